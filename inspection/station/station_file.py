"""The station file: cameras, products, triggers and outputs of one station, as TOML."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from annotated_types import Ge, Gt, Le, Len
from pydantic import StringConstraints, TypeAdapter, ValidationError, create_model
from pydantic.dataclasses import dataclass

import models
from cameras import CameraError, camera_names
from inspection.errors import SetupError
from inspection.monitoring.settings import MonitorSettings
from inspection.outside import LARGEST_TOML, Refused, read_file, read_toml
from inspection.plant.messages import ReviewIs
from inspection.recipe.setup_file import STRICT, first_problem
from inspection.station.notify_settings import NotifySettings
from inspection.station.released_recipes import RecipesAllowed
from inspection.station.sign_in import SignInSettings

if TYPE_CHECKING:
    from inspection.station.code_reader import CodeReader
    from inspection.store.retention import RetentionPolicy

Name = Annotated[str, Len(min_length=1, max_length=64)]
ShiftStart = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Settings = dict[str, Any]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ViewSettings:
    """One camera's look at the part; all views of a part must pass."""

    name: Name = "main"
    camera: Name
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ProductSettings:
    """What may come along the line, and the recipe it is judged by: one, or one for each view."""

    name: Name
    recipe: Path | None = None
    recipes: dict[str, Path] = field(default_factory=dict)
    template: Path | None = None
    """What pictures are compared with in place of the recipe's own: one, or a folder of them named by the code."""
    templates: dict[str, Path] = field(default_factory=dict)
    """The same by view."""
    archived: bool = False
    """It keeps its place, and so its number; no part is judged by it."""
    learn_drawn: Annotated[int, Ge(20)] | None = None
    """To try things out: where the recipe's file is missing, learn it from so many drawn parts."""

    def recipe_of(self, view: str) -> Path:
        """Return the recipe file of a view. Raises SetupError when there is none."""
        found = self.recipes.get(view) or self.recipe
        if found is None:
            raise SetupError(f"products.{self.name}: no recipe for view {view!r}")
        return found

    def template_of(self, view: str) -> Path | None:
        """What pictures of a view are compared with, where it is not the recipe's own."""
        return self.templates.get(view) or self.template


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Retention:
    """Which pictures may go; rows of the record never do. A rule that is not given removes nothing."""

    rejects_days: Annotated[float, Ge(0)] | None = None
    keep_every: Annotated[int, Ge(1)] | None = None
    free_gb: Annotated[float, Ge(0)] | None = None

    def as_policy(self) -> RetentionPolicy:
        """Convert it to the record's policy."""
        from inspection.store.retention import RetentionPolicy

        return RetentionPolicy(
            rejects_days=self.rejects_days, keep_every=self.keep_every, free_gb=self.free_gb
        )


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ReportSettings:
    """Reports that the station writes by the clock: one of the parts since the last one."""

    at: Annotated[tuple[ShiftStart, ...], Len(min_length=1)] | None = None
    """When a report is due, local time; None: when a shift begins, of the one before."""
    folder: Path = Path("reports")
    kinds: Annotated[tuple[Literal["html", "pdf"], ...], Len(min_length=1)] = ("html",)
    language: Literal["en", "ja", "ko"] = "en"
    pictures: Annotated[int, Ge(0), Le(200)] = 24
    """At most so many pictures, of the latest rejects."""


@dataclass(frozen=True, config=STRICT, kw_only=True)
class IdentitySettings:
    """Read the part's serial or lot from a code in the picture."""

    formats: tuple[str, ...] = ("DataMatrix", "QRCode", "Code128")
    region: tuple[int, int, int, int] | None = None
    pattern: str = "(?P<serial>.+)"

    def as_reader(self) -> CodeReader:
        """Make the reader. Raises SetupError for a format or pattern that cannot be."""
        from inspection.station.code_reader import CodeReader

        return CodeReader(formats=self.formats, region=self.region, pattern=self.pattern)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class StationFile:
    """All a station needs to know."""

    station: Name
    record: str
    images: Path | None = None
    views: Annotated[tuple[ViewSettings, ...], Len(min_length=1)]
    products: Annotated[tuple[ProductSettings, ...], Len(min_length=1)]
    trigger: Literal["plant", "camera"] = "plant"
    """plant: outputs and triggers below say when; camera: each picture of the camera is a part."""
    triggers: dict[str, Settings] = field(default_factory=dict)
    outputs: dict[str, Settings] = field(default_factory=dict)
    deadline_ms: Annotated[float, Gt(0), Le(3_600_000)] = 1000.0
    device: Literal["auto", "cpu", "gpu"] = "cpu"
    """What recipes are judged on."""
    queue: Annotated[int, Ge(1), Le(10_000)] = 8
    stall_s: Annotated[float, Gt(0), Le(86_400)] = 30.0
    status_port: Annotated[int, Ge(0), Le(65_535)] = 0
    review: ReviewIs = "reject"
    """What a REVIEW part is to the line; the record and the page say REVIEW in any case."""
    recipes: RecipesAllowed | None = None
    """released: a recipe nobody released is not judged by; None: so where the product has a release."""
    latch_fail: bool = False
    """The page keeps showing a FAIL until a person acknowledges it."""
    operator_may_change_product: bool = False
    """On the page an operator may change over to another product; otherwise engineers only."""
    acknowledge_by_badge: bool = False
    """On the page a PIN or badge says who acknowledges or disagrees, whoever is signed in."""
    shifts: Annotated[tuple[ShiftStart, ...], Len(min_length=1)] = ("06:00", "14:00", "22:00")
    """When shifts begin, local time: the page's counters start anew."""
    monitor: MonitorSettings | None = None
    """Watch the stream of parts; None: it is not watched."""
    retention: Retention | None = None
    report: ReportSettings | None = None
    """Write reports by the clock; None: none is written."""
    notify: NotifySettings | None = None
    """Tell people by mail or webhook what needs one; None: nobody is told."""
    sign_in: SignInSettings | None = None
    """How people sign in at the page beside by name and password."""
    identity: IdentitySettings | None = None
    home: Path = Path()
    """The file's folder, not a key of it."""

    @property
    def product_names(self) -> tuple[str, ...]:
        """Products there is a recipe for, in the order of the file."""
        return tuple(product.name for product in self.products)

    @property
    def first_product(self) -> str:
        """The product parts are judged as until somebody says otherwise."""
        return next(product.name for product in self.products if not product.archived)

    @property
    def page_folder(self) -> Path:
        """Where the station page keeps its users and jobs, beside the record."""
        if "://" in self.record:
            images = self.images or self.home / "images"
            return images.with_name(images.name + ".page")
        return Path(self.record).with_suffix(".page")

    def __post_init__(self) -> None:
        _distinct("views", [view.name for view in self.views])
        _distinct("products", [product.name for product in self.products])
        if all(product.archived for product in self.products):
            raise ValueError("products: one at least must not be archived")
        for product in self.products:
            named = {*product.recipes, *product.templates}
            if unknown := named - {view.name for view in self.views}:
                raise ValueError(f"products.{product.name}: no view {sorted(unknown)[0]!r}")
        if self.trigger == "camera" and len(self.views) > 1:
            raise ValueError('trigger = "camera" needs one view; several cannot be told apart')


def read_station(path: Path) -> StationFile:
    """Read and check a station file; paths in it are relative to it.

    Raises SetupError naming the key, what was got and what is allowed.
    """
    where = f"station file {path}"
    try:
        data = read_toml(read_file(path, most_bytes=LARGEST_TOML))
    except FileNotFoundError:
        raise SetupError(f"{where}: no such file") from None
    except (OSError, Refused) as error:
        raise SetupError(f"{where}: {error}") from error
    if "home" in data:
        raise SetupError(f"{where}: home: unknown key")
    try:
        found = TypeAdapter(StationFile).validate_python(data)
    except ValidationError as error:
        raise SetupError(f"{where}: {first_problem(error)}") from error
    try:
        return _checked(_at_home(found, path.resolve().parent))
    except SetupError as error:
        raise SetupError(f"{where}: {error}") from error


def settings_for(
    kind: Any, settings: Mapping[str, Any], *, where: str, home: Path
) -> dict[str, Any]:
    """Check a table against the keyword arguments of the class it is for; paths are from `home`.

    Raises SetupError for an unknown key, a wrong type, or one that is missing.
    """
    fields: dict[str, Any] = {}
    parameters = inspect.signature(kind, eval_str=True).parameters
    for name, parameter in parameters.items():
        empty = parameter.default is inspect.Parameter.empty
        fields[name] = (parameter.annotation, ... if empty else parameter.default)
    unknown = sorted(set(settings) - set(fields))
    if unknown:
        raise SetupError(f"{where}.{unknown[0]}: unknown key; allowed: {', '.join(sorted(fields))}")
    model = create_model("Settings", __config__={"arbitrary_types_allowed": True}, **fields)
    try:
        checked = model.model_validate(dict(settings))
    except ValidationError as error:
        raise SetupError(f"{where}.{first_problem(error)}") from error
    given = {name: getattr(checked, name) for name in settings}
    paths = {name for name, (wanted, _) in fields.items() if Path in (wanted, *get_args(wanted))}
    return {
        name: home / value if name in paths and value is not None else value
        for name, value in given.items()
    }


def _distinct(what: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError(f"{what}: each needs a name of its own, got {names}")


def _at_home(found: StationFile, home: Path) -> StationFile:
    """Make the paths in a station file absolute."""
    products = tuple(
        replace(
            product,
            recipe=product.recipe and home / product.recipe,
            recipes={view: home / path for view, path in product.recipes.items()},
            template=product.template and home / product.template,
            templates={view: home / path for view, path in product.templates.items()},
        )
        for product in found.products
    )
    record = found.record if "://" in found.record else str(home / found.record)
    images = found.images and home / found.images
    monitor = found.monitor
    if monitor is not None:
        monitor = replace(monitor, learn=monitor.learn and home / monitor.learn)
    report = found.report and replace(found.report, folder=home / found.report.folder)
    sign_in = found.sign_in
    if sign_in is not None and (oidc := sign_in.oidc) is not None:
        secret, authority = home / oidc.client_secret_file, oidc.ca_file and home / oidc.ca_file
        sign_in = replace(sign_in, oidc=replace(oidc, client_secret_file=secret, ca_file=authority))
    if sign_in is not None and (ldap := sign_in.ldap) is not None:
        sign_in = replace(sign_in, ldap=replace(ldap, ca_file=ldap.ca_file and home / ldap.ca_file))
    return replace(
        found,
        products=products,
        record=record,
        images=images,
        monitor=monitor,
        report=report,
        sign_in=sign_in,
        home=home,
    )


def _checked(found: StationFile) -> StationFile:
    """Look at what only the classes know: that cameras, outputs and triggers exist, and their keys."""
    from cameras import camera_class
    from inspection.plant.notices import notifier_class
    from inspection.plant.outputs import output_class
    from inspection.plant.triggers import trigger_class

    for view in found.views:
        if view.camera not in camera_names():
            names = ", ".join(camera_names())
            raise SetupError(
                f"views.{view.name}.camera: no camera {view.camera!r}; allowed: {names}"
            )
        try:
            kind = camera_class(view.camera)
        except CameraError as error:
            raise SetupError(f"views.{view.name}.camera: {error}") from error
        settings_for(kind, view.settings, where=f"views.{view.name}.settings", home=found.home)
        for product in found.products:
            product.recipe_of(view.name)
    try:
        models.judging_device(found.device)
    except models.ModelError as error:
        raise SetupError(str(error)) from error
    reader = found.identity.as_reader() if found.identity is not None else None
    for product in found.products:
        for template in filter(None, (product.template, *product.templates.values())):
            _must_be_template(template, product.name, reader)
    if found.monitor is not None and (missing := found.monitor.missing()) is not None:
        raise SetupError(f"monitor.methods: {missing}")
    for name, settings in found.outputs.items():
        settings_for(output_class(name), settings, where=f"outputs.{name}", home=found.home)
    for name, settings in found.triggers.items():
        settings_for(trigger_class(name), settings, where=f"triggers.{name}", home=found.home)
    for name, table in (found.notify.ways if found.notify else {}).items():
        settings_for(notifier_class(name), table, where=f"notify.{name}", home=found.home)
    return found


def _must_be_template(path: Path, product: str, reader: CodeReader | None) -> None:
    """Refuse a template that is not there, or a folder of them where no code says which."""
    where = f"products.{product}.template: {path}"
    if not path.exists():
        raise SetupError(f"{where}: no such file or folder")
    if path.is_dir() and (reader is None or not reader.tells("template")):
        raise SetupError(
            f"{where}: is a folder of templates, and no code says which; give [identity] a pattern with a "
            "group template, such as '(?P<template>.+)', or give one picture"
        )
