// Asks for a comment's scores with perspective-api-client, at another address than Google's.
'use strict';
const axios = require('axios');
const Perspective = require('perspective-api-client');

const [address, apiKey, text, options] = process.argv.slice(2);
// The client has its address built in. It is changed on the way out; the client is not.
axios.interceptors.request.use(asked => {
  asked.url = asked.url.replace('https://commentanalyzer.googleapis.com', address);
  return asked;
});
new Perspective({apiKey}).analyze(text, JSON.parse(options)).then(
  scores => console.log(JSON.stringify({scores})),
  problem => console.log(JSON.stringify({
    problem: problem.message,
    status: problem.response && problem.response.status,
    name: problem.name,
  }))
);
