"""The shape of the code: layers, no cycles, short files, no ladders over names, documented and existing public names."""

import ast
import importlib.util
import inspect
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A module may import only modules of a lower rank (of its own rank: none). Every module has to be here.
RANKS = {
    "specgen": 0,
    "specgen.errors": 0,
    "specgen._statistics": 0,
    "specgen.extending": 1,
    "specgen.plugins": 2,
    "specgen.registry": 2,
    "specgen.sequences": 2,
    "specgen.settings": 2,
    "specgen.selection": 3,
    "specgen.files": 2,
    "specgen.png": 3,
    "specgen.arrays": 3,
    "specgen.fasta": 2,
    "specgen.records": 3,
    "specgen.representations": 3,
    "specgen.sliding": 3,
    "specgen.simulate": 3,
    "specgen.simulated_genome": 4,
    "specgen.spectrogram": 4,
    "specgen.colour": 5,
    "specgen.image": 6,
    "specgen.engines": 3,
    "specgen.genome": 4,
    "specgen.intervals": 5,
    "specgen.windows": 4,
    "specgen.outputs": 5,
    "specgen.ledger": 3,
    "specgen.verification": 4,
    "specgen.jobs": 7,
    "specgen.portable": 7,
    "specgen.estimator": 7,
    "specgen.plot": 7,
    "specgen.parser": 7,
    "specgen.cli": 7,
    "specgen.commands": 8,
    "specgen.commands.list": 8,
    "specgen.commands.render": 8,
    "specgen.commands.show": 8,
    "specgen.commands.simulate": 8,
    "specgen.__main__": 9,
    "classify": 10,
    "classify._rotating": 10,
    "classify.shipped": 10,
    "classify.checksums": 11,
    "classify.cards": 12,
    "classify.partial": 10,
    "classify.transfer": 11,
    "classify.downloading": 13,
    "classify.headers": 10,
    "classify.pooling": 10,
    "classify.tiling": 11,
    "classify.splits": 11,
    "classify._weighted": 10,
    "classify.bootstrap": 11,
    "classify._euler": 11,
    "classify.homology": 11,
    "classify.clusters": 12,
    "classify.barcodes": 11,
    "classify.digests": 10,
    "classify.targets": 10,
    "classify.features": 10,
    "classify.labels": 17,
    "classify.spoken": 11,
    "classify.examples": 12,
    "classify.metrics": 12,
    "classify.runs": 12,
    "classify.kinds": 13,
    "classify.significance": 13,
    "classify.pictures": 13,
    "classify.controls": 13,
    "classify.matching": 13,
    "classify.sampling": 14,
    "classify.datasets": 15,
    "classify.tasks.base": 14,
    "classify.tasks.chromatin": 15,
    "classify.tasks.coding": 15,
    "classify.tasks.exon_start": 15,
    "classify.tasks.motifs": 15,
    "classify.tasks.language": 15,
    "classify.tasks.tfbs": 15,
    "classify.tasks": 16,
    "classify.models.base": 14,
    "classify.models.convnets": 15,
    "classify.models.inception": 15,
    "classify.models.timm_models": 15,
    "classify.models.specnet": 15,
    "classify.models.specnet_site": 16,
    "classify.models.exonsearch": 15,
    "classify.models.exon_resnet": 15,
    "classify.models.gapped_words": 16,
    "classify.models.kmer_resnet": 17,
    "classify.models.motif_nets": 15,
    "classify.models.deepmotif": 15,
    "classify.models.language": 15,
    "classify.models.recurrent": 15,
    "classify.models.clockwork": 16,
    "classify.models.kmers": 15,
    "classify.models.chromatin_nets": 15,
    "classify.models.letters": 16,
    "classify.models": 17,
    "classify.reporting": 13,
    "classify.reporting._shapes": 12,
    "classify.reporting._files": 13,
    "classify.reporting.curves": 13,
    "classify.reporting.figures": 14,
    "classify.reporting.contenders": 13,
    "classify.reporting.answered": 15,
    "classify.reporting.finished": 16,
    "classify.reporting.html": 14,
    "classify.reporting.overlays": 15,
    "classify.reporting.barcodes": 15,
    "classify.reporting.ranked": 15,
    "classify.reporting.page": 16,
    "classify.reporting.tables": 15,
    "classify.reporting.comparison_page": 17,
    "classify.reporting.comparison_figures": 16,
    "classify.settings": 13,
    "classify.callbacks": 18,
    "classify.folders": 18,
    "classify.config": 17,
    "classify.cost": 17,
    "classify.energy": 16,
    "classify.augment": 13,
    "classify.distributed": 13,
    "classify.convolution": 13,
    "classify.miscomputed": 13,
    "classify.hardware": 14,
    "classify.noise": 14,
    "classify.views": 18,
    "classify.sweeping": 18,
    "classify.sweeping.settings": 18,
    "classify.sweeping.space": 18,
    "classify.sweeping.records": 18,
    "classify.sweeping.figures": 19,
    "classify.sweeping.tables": 20,
    "classify.module": 18,
    "classify.trainer": 19,
    "classify.building": 19,
    "classify.training": 20,
    "classify.evaluation": 21,
    "classify.sweeping.trials": 21,
    "classify.sweeping.study": 22,
    "classify.growing": 10,
    "classify.prediction": 22,
    "classify.paired": 21,
    "classify.remarks": 22,
    "classify.comparison": 23,
    "classify.ensembling": 22,
    "classify.interpretation": 11,
    "classify.interpretation.settings": 12,
    "classify.interpretation.frames": 12,
    "classify.interpretation.sites": 12,
    "classify.interpretation.attribution": 13,
    "classify.interpretation.gradcam": 14,
    "classify.interpretation.measures": 13,
    "classify.interpretation.figures": 15,
    "classify.interpretation.explainer": 22,
    "classify.interpretation.explaining": 23,
    "classify.dashboard": 23,
    "classify.dashboard.settings": 12,
    "classify.dashboard.tracks": 24,
    "classify.dashboard.activations": 24,
    "classify.dashboard.optimisation": 25,
    "classify.dashboard.drawing": 25,
    "classify.dashboard.boards": 26,
    "classify.language": 11,
    "classify.language.settings": 11,
    "classify.language.blocks": 12,
    "classify.language.markov": 12,
    "classify.language.contexts": 12,
    "classify.language.baseline": 13,
    "classify.language.letters": 13,
    "classify.language.scoring": 13,
    "classify.language.sampling": 11,
    "classify.planted": 10,
    "classify.planted.settings": 11,
    "classify.planted.background": 12,
    "classify.planted.schemes": 12,
    "classify.planted.simulation": 13,
    "classify.planted.ceilings": 14,
    "classify.motifs": 11,
    "classify.motifs.settings": 11,
    "classify.motifs.matrices": 11,
    "classify.motifs.formats": 12,
    "classify.motifs.similarity": 12,
    "classify.motifs.hits": 12,
    "classify.motifs.watching": 11,
    "classify.motifs.layers": 12,
    "classify.motifs.maps": 12,
    "classify.motifs.tomtom": 13,
    "classify.motifs.filters": 13,
    "classify.motifs.figures": 15,
    "classify.motifs.page": 17,
    "classify.motifs.seqlets": 14,
    "classify.motifs.patterns": 23,
    "classify.motifs.inputs": 22,
    "classify.motifs.discovery": 24,
    "classify.coding_potential": 11,
    "classify.gapped": 12,
    "classify.weight_matrices": 12,
    "classify.transcripts": 13,
    "classify.contigs": 10,
    "classify.labelled": 10,
    "classify.lines": 10,
    "classify.labelled.rows": 10,
    "classify.labelled.formats": 11,
    "classify.labelled.grouping": 11,
    "classify.labelled.settings": 12,
    "classify.labelled.windows": 13,
    "classify.peaks": 10,
    "classify.peaks.settings": 10,
    "classify.peaks.reading": 11,
    "classify.peaks.places": 12,
    "classify.peaks.negatives": 13,
    "classify.peaks.ground": 13,
    "classify.peaks.windows": 14,
    "classify.chromatin": 10,
    "classify.chromatin.settings": 11,
    "classify.chromatin.features": 11,
    "classify.chromatin.matlab": 10,
    "classify.chromatin.containers": 11,
    "classify.chromatin.simulation": 11,
    "classify.chromatin.resampling": 11,
    "classify.chromatin.measures": 13,
    "classify.chromatin.scoring": 14,
    "classify.chromatin.arrays": 13,
    "classify.chromatin.inputs": 14,
    "classify.chromatin.tables": 14,
    "classify.chromatin.tracks": 14,
    "classify.exons": 11,
    "classify.exons.lines": 11,
    "classify.exons.rows": 12,
    "classify.exons.windows": 11,
    "classify.exons.annotation": 13,
    "classify.exons.negatives": 12,
    "classify.exons.checks": 14,
    "classify.exons.starts": 14,
    "classify.exons.prepared": 13,
    "classify.exons.settings": 13,
    "classify.exons.writing": 11,
    "classify.exons.planning": 15,
    "classify.exons.preparing": 16,
    "classify.baselines": 13,
    "classify.baseline_fit": 22,
    "classify.fitted": 14,
    "classify.one_vs_rest": 11,
    "classify.rescoring": 23,
    "classify.ranking": 24,
    "classify.app": 11,
    "classify.app.inputs": 11,
    "classify.app.answers": 25,
    "classify.app.server": 26,
    "classify.crossing": 25,
    "classify.scanning": 11,
    "classify.scanning.settings": 11,
    "classify.scanning.peaks": 13,
    "classify.scanning.values": 22,
    "classify.scanning.bases": 23,
    "classify.scanning.parts": 23,
    "classify.scanning.seen": 24,
    "classify.scanning.regions": 24,
    "classify.scanning.former": 11,
    "classify.scanning.figures": 22,
    "classify.scanning.tracks": 24,
    "classify.scanning.scan": 25,
    "classify.effects": 11,
    "classify.effects.settings": 12,
    "classify.effects.alleles": 12,
    "classify.effects.variants": 11,
    "classify.effects.tables": 12,
    "classify.effects.scores": 23,
    "classify.effects.reading": 24,
    "classify.effects.effects": 25,
    "classify.held_out": 12,
    "classify.estimator": 22,
    "classify.exporting.graph": 23,
    "classify.exporting.formats": 22,
    "classify.exporting.plain": 22,
    "classify.model_card": 22,
    "classify.pretrained": 23,
    "classify.exporting.hub": 24,
    "classify.exporting.onnx_file": 24,
    "classify.exporting": 25,
    "classify.commands": 24,
    "classify.commands.evaluate": 24,
    "classify.commands.baselines": 25,
    "classify.commands.cluster": 25,
    "classify.commands.compare": 25,
    "classify.commands.configs": 25,
    "classify.commands.download": 25,
    "classify.commands.markov": 25,
    "classify.commands.sample": 25,
    "classify.commands.ensemble": 25,
    "classify.commands.across": 26,
    "classify.commands.app": 27,
    "classify.commands.explain": 25,
    "classify.commands.features": 25,
    "classify.commands.export": 26,
    "classify.commands.dashboard": 27,
    "classify.commands.list": 26,
    "classify.commands.motifs": 25,
    "classify.commands.predict": 25,
    "classify.commands.prepare": 25,
    "classify.commands.scan": 26,
    "classify.commands.train": 25,
    "classify.commands.sweep": 25,
    "classify.commands.effects": 26,
    "classify.__main__": 27,
}


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(p): p for package in ("specgen", "classify") for p in sorted((ROOT / package).rglob("*.py"))}
EVERY = pytest.mark.parametrize("module", FILES)
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def type_checking_only(tree):
    """Nodes below ``if TYPE_CHECKING:``."""
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            inside |= {child for statement in node.body for child in ast.walk(statement)}
    return inside


def imports(module, *, typing=True):
    """Our own modules that a module imports, anywhere in it."""
    found = set()
    skipped = set() if typing else type_checking_only(TREES[module])
    for node in ast.walk(TREES[module]):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in FILES else node.module)
    return {name for name in found if name.split(".")[0] in ("specgen", "classify")}


def test_every_module_has_a_rank_and_every_rank_a_module():
    assert set(FILES) == set(RANKS)
    assert all(name in FILES for name in RANKS)
    order = sorted(FILES, key=RANKS.__getitem__)
    assert max(RANKS[n] for n in order if n.startswith("specgen")) < min(
        RANKS[n] for n in order if n.startswith("classify")
    )


@EVERY
def test_only_lower_layers_are_imported(module):
    lower = {name for name in imports(module, typing=False) if RANKS[name] < RANKS[module]}
    assert imports(module, typing=False) == lower


@pytest.mark.parametrize("module", [name for name in FILES if name.startswith("specgen")])
def test_specgen_never_imports_classify(module):
    assert not {name for name in imports(module) if name.startswith("classify")}
    assert "import classify" not in FILES[module].read_text(encoding="utf-8")


def test_no_import_cycles_even_for_types():
    # Views name the settings that they are built from, which is the one import for types alone across layers.
    graph = {name: imports(name, typing=False) for name in FILES}
    done = set()

    def visit(name, path):
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for other in graph[name]:
                visit(other, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    assert done == set(FILES)


def test_importing_the_packages_is_free():
    for package in ("specgen", "classify"):
        assert not [n for n in ast.walk(TREES[package]) if isinstance(n, ast.Import | ast.ImportFrom)]


@EVERY
def test_no_long_files(module):
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= 300


def test_test_files_are_covered_too():
    long = {p.name: n for p in (ROOT / "tests").rglob("*.py") if (n := len(p.read_text().splitlines())) > 700}
    assert not long


KINDS = {"task", "model", "view", "palette", "representation", "baseline", "palette_name", "model_name", "task_name"}


def is_name_of_a_kind(node):
    last = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    owner = node.value.attr if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) else ""
    owner = owner or (node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else "")
    return last in KINDS or (last == "name" and owner in KINDS)


@EVERY
def test_nothing_is_decided_by_a_registered_name(module):
    ladders = []
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops
        ):
            sides = [node.left, *node.comparators]
            literal = any(
                isinstance(side, ast.Constant) and isinstance(side.value, str) and side.value for side in sides
            )
            literal |= any(isinstance(side, ast.Tuple | ast.List | ast.Set) for side in sides)
            if literal and any(map(is_name_of_a_kind, sides)):
                ladders.append(ast.unparse(node))
        if isinstance(node, ast.Match) and is_name_of_a_kind(node.subject):
            ladders.append(ast.unparse(node.subject))
    assert not ladders


def test_the_check_of_ladders_works(monkeypatch):
    for text in ("task == 'coding'", "settings.model != 'conv7'", "self.task.name == 'x'", "model in ('a', 'b')"):
        monkeypatch.setitem(TREES, "specgen", ast.parse(f"if {text}: pass"))
        with pytest.raises(AssertionError):
            test_nothing_is_decided_by_a_registered_name("specgen")
    for text in ("task is None", "settings.kind == 'log1p'", "name == 'x'", "a == 'task'"):
        monkeypatch.setitem(TREES, "specgen", ast.parse(f"if {text}: pass"))
        test_nothing_is_decided_by_a_registered_name("specgen")


@EVERY
def test_public_names_exist_and_are_documented(module):
    loaded = importlib.import_module(module)
    public = getattr(loaded, "__all__", [])
    assert len(set(public)) == len(public)
    assert list(public) == sorted(public, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    for name in public:
        item = getattr(loaded, name)
        own = getattr(item, "__module__", None) == module
        if own and (inspect.isclass(item) or inspect.isfunction(item)):
            described = item.__doc__ or ""
            # A dataclass without one gets its signature as docstring.
            assert described.strip(), name
            assert not described.startswith(f"{name}("), name


@EVERY
def test_every_module_says_what_it_is(module):
    assert ast.get_docstring(TREES[module])


@EVERY
def test_private_names_stay_at_home(module):
    taken = []
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("specgen", "classify"):
            taken += [a.name for a in node.names if a.name.startswith("_") and f"{node.module}.{a.name}" not in FILES]
    assert not taken


@EVERY
def test_nothing_dangerous_or_unfinished(module):
    found = []
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.keyword) and node.arg == "weights_only":
            found += [] if isinstance(node.value, ast.Constant) and node.value.value is True else ["weights_only"]
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            found += [] if any(k.arg == "weights_only" for k in node.keywords) else ["torch.load without weights_only"]
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            found.append("bare except")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
            found += [name for name in names if name.split(".")[0] in ("pickle", "cPickle", "dill", "joblib", "shelve")]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
            found.append(node.func.id)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("yaml.load", "yaml.unsafe_load", "os.system"):
            found.append(ast.unparse(node.func))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
            found += ["mutable default" for d in defaults if isinstance(d, ast.List | ast.Dict | ast.Set)]
    text = FILES[module].read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            found += [word for word in ("TODO", "FIXME", "XXX", "HACK") if word in token.string]
    assert not found


def test_the_order_of_test_files_names_files_that_there_are():
    spec = importlib.util.spec_from_file_location("order_of_files", ROOT / "tests" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not [name for name in module.LONGEST if not (ROOT / "tests" / name).is_file()]
    assert len(set(module.LONGEST)) == len(module.LONGEST)
