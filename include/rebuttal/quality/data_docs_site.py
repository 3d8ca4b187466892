"""Stored check results as Great Expectations' own objects, and its site builder over them.

Importing this module imports Great Expectations, which takes seconds.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
logging.getLogger("great_expectations").setLevel(logging.WARNING)

import great_expectations as gx  # noqa: E402 - analytics are off before it is imported
from great_expectations.core import (  # noqa: E402
    ExpectationSuite,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    RunIdentifier,
)
from great_expectations.data_context.types.resource_identifiers import (  # noqa: E402
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.expectation import BatchExpectation  # noqa: E402
from great_expectations.render.components import LegacyRendererType, RenderedStringTemplateContent  # noqa: E402
from great_expectations.render.renderer.renderer import renderer  # noqa: E402

_SITE = "data_docs"
_MEANS = {
    "hold": "else the whole batch waits",
    "alarm": "else figures must not be trusted",
    "quarantine": "else the row is kept out",
    "warning": "else it is reported",
    "notice": "else it is counted",
}


class ExpectRecordedCheck(BatchExpectation):
    """A check whose results are stored; it is shown, not run."""

    check_name: str

    metric_dependencies: ClassVar[tuple[str, ...]] = ()
    success_keys: ClassVar[tuple[str, ...]] = ("check_name",)

    def _validate(self, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        raise NotImplementedError("A recorded check is shown, not run")

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls,
        configuration: Any = None,
        result: Any = None,
        runtime_configuration: Any = None,  # noqa: ARG003
    ) -> list[RenderedStringTemplateContent]:
        meta = (configuration or result.expectation_config).meta
        lines = {"asked": meta["asked"], "else": meta["else"]}
        if meta["todo"]:
            lines["todo"] = f"What to do: {meta['todo']}"
            lines |= {f"example_{number}": f"Example: {example}" for number, example in enumerate(meta["examples"])}
        # Great Expectations escapes the values of a template that has a styling, and only those.
        style = {"default": {"tag": "span"}, "params": {"asked": {"tag": "b"}}}
        told = {"template": "\n".join(f"${name}" for name in lines), "params": lines, "styling": style}
        return [RenderedStringTemplateContent(content_block_type="string_template", string_template=told)]


def draw(folder: Path, checks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Draw the pages of `checks` (rows of `marts.quality_check` with `suite`, `page` and a list of `examples`, sorted
    by suite and page) into `folder`. Returns the path of each page by its name.
    """
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
    site = {"class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": store}
    context.add_data_docs_site(_SITE, {**site, "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"}})
    pages: dict[str, str] = {}
    for suite, rows in groupby(checks, key=lambda check: str(check["suite"])):
        of_suite = list(rows)
        asked = {check["check_name"]: check for check in of_suite}
        context.suites.add(ExpectationSuite(name=suite, expectations=[_expectation(one) for one in asked.values()]))
        for name, found in groupby(of_suite, key=lambda check: str(check["page"])):
            key, results = _validated(suite, name, list(found))
            context.validation_results_store.set(key, results)
            pages[name] = "/".join(("validations", *key.to_tuple())) + ".html"
    context.build_data_docs(site_names=[_SITE])
    return {name: _found(folder, page) for name, page in pages.items()}


def _found(folder: Path, page: str) -> str:
    if not (folder / page).is_file():
        raise FileNotFoundError(f"Great Expectations drew no {page}")
    return page


def _expectation(check: Mapping[str, Any], *, has_failed: bool = False) -> ExpectRecordedCheck:
    return ExpectRecordedCheck(
        check_name=check["check_name"],
        meta={
            "asked": check["description"],
            "else": f"{check['check_name']}; {_MEANS[check['severity']]}",
            "todo": check["next_step"] if has_failed else "",
            "examples": check["examples"] if has_failed else [],
        },
    )


def _validated(suite: str, name: str, checks: list[Mapping[str, Any]]) -> tuple[Any, ExpectationSuiteValidationResult]:
    passed = sum(not check["is_failing"] for check in checks)
    checked_at = max(check["checked_at"] for check in checks)
    run = RunIdentifier(run_name=name.replace(" ", "_"), run_time=checked_at)
    results = ExpectationSuiteValidationResult(
        success=passed == len(checks),
        results=[_result(check) for check in checks],
        suite_name=suite,
        statistics={
            "evaluated_expectations": len(checks),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(checks) - passed,
            "success_percent": 100.0 * passed / len(checks),
        },
        meta={"run_id": run, "batch_kwargs": {"data_asset_name": name}},
    )
    return ValidationResultIdentifier(ExpectationSuiteIdentifier(suite), run, "latest"), results


def _result(check: Mapping[str, Any]) -> ExpectationValidationResult:
    share = check["failed_share_latest"]
    told = f"{check['failed_row_count_latest']:,} of {check['row_count_latest']:,} rows" + (
        f" ({share:.2%}), {check['trend']}" if check["is_failing"] and share is not None else ""
    )
    return ExpectationValidationResult(
        success=not check["is_failing"],
        expectation_config=_expectation(check, has_failed=check["is_failing"]).configuration,
        result={"observed_value": told},
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
    )
