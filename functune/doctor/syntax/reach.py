"""The calls that a handler reaches, through the functions and modules of the app."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from functune.doctor.syntax.calls import SyntaxCall, call_sites
from functune.doctor.syntax.handlers import AppHandler, find_handlers
from functune.doctor.syntax.modules import AppModules
from functune.doctor.syntax.scopes import AppScopes, ClassScope, FunctionScope, read_scopes
from functune.doctor.syntax.symbols import Symbols

_OFF_THE_LOOP = ("async", "thread", "executor")
"""Parts of the names of decorators that run a function elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reached:
    """A call that runs when a handler runs."""

    site: SyntaxCall
    handler: AppHandler
    through: tuple[FunctionScope, ...]
    """The functions between the handler and the call, the one with the call last; empty for a call in the handler."""

    @property
    def place(self) -> tuple[str, int]:
        """File and line."""
        return self.site.function.module.module.file, self.site.line

    @property
    def path(self) -> str:
        """``async def orders → Shop.save``, from the handler to the function with the call."""
        return " → ".join([self.handler.words, *(each.name for each in self.through)])


@dataclass(slots=True, kw_only=True)
class AppSyntax:
    """The code of an app as the rules look at it."""

    modules: AppModules
    scopes: AppScopes
    symbols: Symbols
    handlers: list[AppHandler]
    _sites: dict[int, list[SyntaxCall]] = field(default_factory=dict)

    def sites(self, function: FunctionScope) -> list[SyntaxCall]:
        """The calls of a function itself."""
        if id(function) not in self._sites:
            self._sites[id(function)] = call_sites(function, self.symbols)
        return self._sites[id(function)]

    def run(self, handler: AppHandler) -> Iterator[Reached]:
        """The calls that run in each call of the handler, in the same thread or on the same event loop."""
        return self._reached(handler, leaving_out=lambda site: site.is_once)

    def made(self, handler: AppHandler) -> Iterator[Reached]:
        """Those among them that make something for this call alone, and not to be kept."""
        return self._reached(handler, leaving_out=lambda site: site.is_once or site.is_kept)

    def _reached(self, handler: AppHandler, *, leaving_out: Callable[[SyntaxCall], bool]) -> Iterator[Reached]:
        seen = {id(handler.function)}
        waiting: list[tuple[FunctionScope, tuple[FunctionScope, ...]]] = [(handler.function, ())]
        while waiting:
            function, through = waiting.pop(0)
            for site in self.sites(function):
                if leaving_out(site):
                    continue
                yield Reached(site=site, handler=handler, through=through)
                called = self.entered(site)
                if called is not None and id(called) not in seen:
                    seen.add(id(called))
                    waiting.append((called, (*through, called)))

    def entered(self, site: SyntaxCall) -> FunctionScope | None:
        """The function of the app that a call runs here; None for any other call."""
        match site.target:
            case FunctionScope():
                return None if self.runs_elsewhere(site.target, site) else site.target
            case ClassScope():
                return site.target.methods.get("__init__")
            case _:
                return None

    def runs_elsewhere(self, function: FunctionScope, site: SyntaxCall) -> bool:
        """Whether a decorator may run a ``def`` function on a thread, or only once."""
        if self.symbols.is_cached(function):
            return True
        if function.is_async or not function.node.decorator_list:
            return False
        names = [name.rpartition(".")[2].lower() for name in self.symbols.decorators(function)]
        if len(names) < len(function.node.decorator_list) or site.is_awaited:  # a decorator of the app itself
            return True
        return any(part in name for name in names for part in _OFF_THE_LOOP)


def read_syntax(modules: AppModules) -> AppSyntax:
    """Everything about the code of an app."""
    scopes = read_scopes(modules)
    symbols = Symbols(scopes)
    return AppSyntax(modules=modules, scopes=scopes, symbols=symbols, handlers=find_handlers(scopes, symbols))
