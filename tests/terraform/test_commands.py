"""What docs/deploy and the alarms' runbook tell operators to type, compared with what there is.

`NAME` in them is project and environment, `diagport-dev` an example; in terraform/ it is ``local.name``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from flask import Flask

from app import cli
from app.settings import Settings
from tests.terraform import given

ROOT: Final = given.ROOT
TERRAFORM: Final = given.TERRAFORM
PAGES: Final = (*sorted((ROOT / "docs" / "deploy").glob("*.md")), ROOT / "docs" / "operations" / "alarms.md")

_EXAMPLE = re.compile(r"\bdiagport-(?:dev|stage|prod)\b|\$\{?name\b\}?")
_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
_FOR_EACH = re.compile(r"for_each = (?:toset\()?(?:\[)([^\]]+)\]")
_BLOCK = r'^resource "{kind}" "\w+" \{{$(.*?)^\}}$'


def code(page: Path) -> Iterator[str]:
    """Yield what a page sets as code, with ``NAME`` for the examples, and lines that go on joined."""
    for found in _CODE.findall(page.read_text(encoding="utf-8")):
        yield _EXAMPLE.sub("NAME", found.strip("`").replace("\\\n", " "))


def said(pattern: str) -> dict[str, set[str]]:
    """Return what stands in code on any page: found words -> pages."""
    places: dict[str, set[str]] = {}
    for page in PAGES:
        for text in code(page):
            for found in re.findall(pattern, text):
                places.setdefault(found, set()).add(page.name)
    return places


def made(kind: str, argument: str = "name") -> set[str]:
    """Return the names of resources of one kind, with ``NAME`` for ``local.name``; of a for_each, all."""
    names = set()
    for path in TERRAFORM.glob("*.tf"):
        for match in re.finditer(_BLOCK.format(kind=kind), path.read_text(), re.MULTILINE | re.DOTALL):
            told = re.search(rf"^  {argument} += (.+?)(?: +#.*)?$", match[1], re.MULTILINE)
            if not told:
                continue
            name = told[1].strip('"').replace("${local.name}", "NAME").replace("local.name", "NAME")
            keys = _FOR_EACH.search(match[1])
            each = re.findall(r'"([\w-]+)"', keys[1]) if keys else [""]
            names |= {name.replace("${each.key}", key) for key in each}
    assert names
    return names


def test_services_and_clusters() -> None:
    services = made("aws_ecs_service")
    assert services == {"web", "worker", "scheduler"}
    asked = said(r"--service(?:s|-name)?((?: (?!--)[\w$]+)+)") | said(r"for service in ([\w -]+);")
    words = {word: pages for text, pages in asked.items() for word in text.split()}
    assert {"web", "worker", "scheduler", "$service"} <= set(words)
    assert not set(words) - services - {"$service", "S"}, words
    assert made("aws_ecs_cluster") == {"NAME"}
    clusters = said(r"--cluster (\S+)")
    assert set(clusters) == {"NAME"}, clusters


def test_tasks_and_their_containers() -> None:
    families = made("aws_ecs_task_definition", "family")
    asked = said(r'--task-definition "?(NAME-[\w$]+)')
    assert {"NAME-migrate", "NAME-freshclam", "NAME-scheduler"} <= set(asked)
    assert not set(asked) - families - {"NAME-$1"}, asked
    locals_ = given.locals_of("ecs_containers.tf")["portal_processes"]
    locals_ += given.locals_of("ecs_worker.tf")["clamav_processes"]
    containers = said(r"--container (\S+)") | said(r'\{\\?"name\\?":\\?"(\w+)\\?",\\?"command')
    assert len(containers) >= 3
    for name in containers:
        assert re.search(rf"^ +{name} += {{", locals_, re.MULTILINE), name
    for name in said(r"\bonce (\w+) "):
        assert f"NAME-{name}" in families
        assert re.search(rf"^ +{name} += {{", locals_, re.MULTILINE), name


def test_log_groups_queues_and_keys() -> None:
    groups = made("aws_cloudwatch_log_group")
    asked = said(r"(?<![\w.])(/(?:ecs|aws|elasticache)/[\w/$-]+)") | said(
        r"\b(aws-waf-logs-\w+|NAME-vpc-flow-logs)"
    )
    assert {"/ecs/NAME/freshclam", "/aws/elasticache/NAME/slow-log", "aws-waf-logs-NAME"} <= set(asked)
    assert not set(asked) - groups - {"/ecs/NAME/$1"}, asked
    assert set(said(r"\b(NAME-upload-events[\w-]*)")) <= made("aws_sqs_queue")
    keys = said(r"alias/(NAME-[\w-]+)")
    assert keys
    assert not {f"alias/{key}" for key in keys} - made("aws_kms_alias")


def test_scripts_files_and_directories() -> None:
    paths = said(r"(?<![\w./-])((?:scripts|terraform|docker|tests)/[\w./*-]*\w)")
    assert "scripts/ecs-run-task.sh" in paths
    assert not {path: pages for path, pages in paths.items() if not list(ROOT.glob(path))}
    for page in PAGES:
        for text in code(page):
            for root, rest in re.findall(r"-chdir=(terraform[\w/]*)([^&|;]*)", text):
                assert (ROOT / root).is_dir(), root
                for file in re.findall(r"-(?:var-file|backend-config)=(\S+\w)", rest):
                    example = re.sub(r"\$environment|ENVIRONMENT", "dev", file)
                    assert (ROOT / root / example).is_file(), f"{page.name}: {file}"


def test_outputs_and_variables_of_terraform() -> None:
    outputs = set(re.findall(r'^output "(\w+)"', (TERRAFORM / "outputs.tf").read_text(), re.MULTILINE))
    asked = said(r"\boutput -(?:raw|json) (\w+)") | said(r"\$\(list (\w+)\)")
    assert len(asked) >= 4
    assert not set(asked) - outputs, asked
    text = "".join(path.read_text() for path in TERRAFORM.glob("variables*.tf"))
    variables = dict(re.findall(r'^variable "(\w+)" \{$(.*?)^\}$', text, re.MULTILINE | re.DOTALL))
    assert not set(said(r"-var (\w+)=")) - set(variables)
    parts = list(said(r"^((?:web|worker|database|redis|mail)\.\w+)(?: =.*)?$"))
    assert len(parts) >= 6
    for part in parts:
        variable, _, name = part.partition(".")
        assert re.search(rf"^    {name} +=", variables[variable], re.MULTILINE), part


def test_settings_parameters_and_secrets() -> None:
    parameters = given.parameters()
    asked = said(r"/diagport/\w+/DIAGPORT_(\w+)")
    assert asked
    assert not set(asked) - set(parameters)
    assert {str(len(parameters))} == {
        m for page in PAGES for m in re.findall(r"(\d+) parameters", page.read_text())
    }
    secrets = set(re.findall(r"^    ([a-z-]+) += ", (TERRAFORM / "secrets.tf").read_text(), re.MULTILINE))
    assert not set(said(r"--secret-id diagport/dev/([\w-]+)")) - secrets
    known = {name.upper() for name in Settings.model_fields} | {"HEARTBEATS", "GRACEFUL_TIMEOUT", "KEEPALIVE"}
    unknown = {
        name: pages
        for name, pages in said(r"(?<!/)\bDIAGPORT_([A-Z][A-Z0-9_]+)").items()
        if name not in known
    }
    assert not unknown


def test_commands_of_the_portal() -> None:
    app = Flask(__name__)
    cli.install(app)
    asked = {tuple(words.split()) for words in said(r"flask (?:--app \S+ )?((?!--)[a-z]+ [a-z]+)")}
    asked |= {
        tuple(re.findall(r"[a-z]+", words)[:2])
        for words in said(r'"flask","--app","wsgi",("[a-z]+","[a-z]+")')
    }
    assert {("users", "create"), ("storage", "verify"), ("audit", "verify")} <= asked
    for group, command in asked:
        found = app.cli.commands[group]
        assert isinstance(found, click.Group)
        assert command in found.commands, (group, command)
    options = {
        option for words in said(r"users create (\S+@\S+ [^)`\"]*)") for option in re.findall(r"--\w+", words)
    }
    users = app.cli.commands["users"]
    assert isinstance(users, click.Group)
    assert options
    assert not options - {option for each in users.commands["create"].params for option in each.opts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        file, _, heading = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.is_file(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, (
                target
            )


def test_what_acceptance_names_is_there() -> None:
    """The checks of a state, and the tests, that the matrix says show a row."""
    text = (ROOT / "docs" / "deploy" / "acceptance.md").read_text(encoding="utf-8")
    checks = "".join(path.read_text() for path in (TERRAFORM / "tests" / "checks").glob("*.py"))
    for names in re.findall(r"S: ((?:`\w+`(?:, )?)+)", text):
        for name in re.findall(r"`(\w+)`", names):
            assert f"def {name}(state" in checks, name
    for names in re.findall(r"Y: ((?:`[\w/]+`(?:, )?)+)", text):
        for name in re.findall(r"`([\w/]+)`", names):
            found = [*ROOT.glob(f"tests/**/{name}.py"), *ROOT.glob(name)]
            assert found, name


def test_the_registry_keeps_releases_and_not_their_parts() -> None:
    """A push leaves an index with a tag, and image and SBOM without: 100 of all would be 33 releases."""
    text = (TERRAFORM / "shared" / "ecr.tf").read_text()
    (rule,) = re.findall(r"selection += \{ (.*imageCountMoreThan.*) \}", text)
    assert 'tagStatus = "tagged", tagPatternList = ["*"]' in rule
    assert "countNumber = var.kept_images" in rule
    variable = (TERRAFORM / "shared" / "variables.tf").read_text().split('variable "kept_images"')[1]
    assert "default     = 100" in variable
