"""How the model that ships was made: labelled texts in, a Detoxify checkpoint and an int8 file out.

Run it as `python -m moderation.training`. Needs the extra `training` and torch.
"""
