"""Jinja, without what it does at every output and call for templates that are not ours.

A page of the desk has thousands of both, which took a quarter of the time that it is rendered in.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from jinja2 import Environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Expr
from jinja2.runtime import Context
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]


def escaped(value: object) -> str:
    """Return what `escape` would, as a plain string where it is only written out."""
    if type(value) is str:
        return _escape_inner(value)
    return value if type(value) is Markup else escape(value)


class _Context(Context):
    def call(
        self, called: Callable[..., Any], /, *args: Any,
        _loop_vars: object = None, _block_vars: object = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        # Nothing that templates call wants the context, for which Jinja would look at each.
        return called(*args, **kwargs)


class _Code(CodeGenerator):
    def _output_child_pre(
        self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.escaped(")


class Engine(Environment):
    """The environment of all templates."""

    context_class = _Context
    code_generator_class = _Code
    escaped = staticmethod(escaped)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Every template has the same globals, and imports from another need not compare them.
        return super().make_globals(d) if d else self.globals
