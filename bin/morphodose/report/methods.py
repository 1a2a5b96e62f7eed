"""Section: the methods as a text to paste, which says what this run did, with its references."""

from __future__ import annotations

from morphodose.death.gates import SPREADS
from morphodose.measurement.families import SETS
from morphodose.report import deep_methods
from morphodose.report.diameters import spread
from morphodose.report.html import escape, paragraph
from morphodose.report.inputs import ReportInputs
from morphodose.report.parts import Part, Section
from morphodose.report.provenance import tools
from morphodose.report.words import counted, hours, listed

REFERENCES = {
    "nextflow": (
        "Di Tommaso P, et al. Nextflow enables reproducible computational workflows. Nat "
        "Biotechnol 35:316–319 (2017)."
    ),
    "cellpose": (
        "Stringer C, Wang T, Michaelos M, Pachitariu M. Cellpose: a generalist algorithm for "
        "cellular segmentation. Nat Methods 18:100–106 (2021)."
    ),
    "cellpose2": (
        "Pachitariu M, Stringer C. Cellpose 2.0: how to train your own model. Nat Methods "
        "19:1634–1641 (2022)."
    ),
    "cellpose3": (
        "Stringer C, Pachitariu M. Cellpose3: one-click image restoration for improved cellular "
        "segmentation. Nat Methods 22:592–599 (2025)."
    ),
    "propagation": (
        "Jones TR, Carpenter A, Golland P. Voronoi-based segmentation of cells on image manifolds. Computer "
        "Vision for Biomedical Image Applications, LNCS 3765:535-543 (2005)."
    ),
    "skimage": "van der Walt S, et al. scikit-image: image processing in Python. PeerJ 2:e453 (2014).",
    "cp_measure": (
        "Muñoz AF, et al. cp_measure: API-first feature extraction for image-based profiling "
        "workflows. arXiv:2507.01163 (2025)."
    ),
    "cellprofiler": (
        "Stirling DR, et al. CellProfiler 4: improvements in speed, utility and usability. BMC "
        "Bioinformatics 22:433 (2021)."
    ),
    "annexin": (
        "Vermes I, Haanen C, Steffens-Nakken H, Reutelingsperger C. A novel assay for apoptosis. "
        "J Immunol Methods 184:39–51 (1995)."
    ),
    "drc": (
        "Ritz C, Baty F, Streibig JC, Gerhard D. Dose-response analysis using R. PLoS ONE 10:e0146021 (2015)."
    ),
    "bates": "Bates DM, Watts DG. Nonlinear Regression Analysis and Its Applications. Wiley (1988).",
    "zprime": (
        "Zhang JH, Chung TDY, Oldenburg KR. A simple statistical parameter for use in evaluation "
        "and validation of high throughput screening assays. J Biomol Screen 4:67–73 (1999)."
    ),
    "seaborn": "Waskom ML. seaborn: statistical data visualization. J Open Source Softw 6:3021 (2021).",
    **deep_methods.REFERENCES,
}


#: Words for a projection; best_focus is chosen for each stack.
PROJECTIONS = {
    "max": "maximum",
    "mean": "mean",
    "middle": "middle plane",
    "best_focus": "best-focused plane",
    "plane": "plane {}",
}


class Writer:
    """Text in which ``{key}`` becomes the number of a reference, in the order of their first mention."""

    def __init__(self) -> None:
        self.cited: list[str] = []
        self.paragraphs: list[str] = []

    def add(self, text: str, *keys: str) -> None:
        """Add a paragraph; each ``[]`` in it takes the next of `keys`, several joined by ``+``."""
        for key in keys:
            numbers = []
            for one in key.split("+"):
                if one not in self.cited:
                    self.cited.append(one)
                numbers.append(str(self.cited.index(one) + 1))
            text = text.replace("[]", f"[{','.join(numbers)}]", 1)
        self.paragraphs.append(text)


def section(screen: ReportInputs) -> Section:
    """The text in a box, and how to use it."""
    writer = compose(screen)
    body = "".join(f"<p>{escape(text)}</p>" for text in writer.paragraphs)
    items = "".join(f"<li>{escape(REFERENCES[key])}</li>" for key in writer.cited)
    lead = paragraph("What this run did, by its parameters: ready to be pasted into a paper and shortened.")
    html = f'{lead}<div class="md-methods">{body}<p><b>References</b></p><ol>{items}</ol></div>'
    version = f" {screen.run['version']}" if screen.run.get("version") else ""
    cite = paragraph(
        f"The morphodose authors. morphodose{version}: dose and time responses of cells, from the raw images "
        "of a drug screen. Software, MIT licence. Please also cite the tools in the references above."
    )
    return Section("methods", "Methods text", [Part("Methods of this run", html), Part("How to cite", cite)])


def compose(screen: ReportInputs) -> Writer:
    """The paragraphs, as this run's parameters and tables have it."""
    writer = Writer()
    version = {name: versions[0] for name, versions in tools(screen).items()}
    run = screen.run
    name = f"{run.get('pipeline', 'morphodose')} {run.get('version', '')}".rstrip()
    engine = f" {run['nextflow']}" if run.get("nextflow") else ""
    acquisitions = screen.wells.groupby(
        ["Metadata_Plate", "Metadata_Timepoint", "Metadata_Replicate"]
    ).ngroups
    times = listed((hours(time) for time in screen.timepoints), 12)
    when = "timepoint" if len(screen.timepoints) == 1 else "timepoints"
    writer.add(
        f"Images were analysed with {name}, a Nextflow{engine} [] pipeline. The screen comprised "
        f"{counted(acquisitions, 'acquisition')} ({when} {times}) of "
        f"{listed(screen.compounds, 10) or 'no treatment'}; before the analysis, every image was checked "
        "to be present and readable.",
        "nextflow",
    )
    _images(writer, screen)
    _segmentation(writer, screen, version)
    groups = "Size, shape, intensity, texture, granularity, radial distribution and correlation of"
    given = screen.params.get("features")
    what = groups if given in (None, *SETS) else f"The feature groups {given} of"
    writer.add(
        f"{what} cells, nuclei and cytoplasm were measured: the features of CellProfiler [], as "
        "cp_measure [] computes them.",
        "cellprofiler",
        "cp_measure",
    )
    _death(writer, screen)
    _responses(writer, screen)
    deep_methods.deep_paragraphs(writer, screen, version)
    writer.add("Figures were drawn with seaborn [].", "seaborn")
    return writer


def _of(versions: dict[str, str], *names: str) -> str:
    """`` 1.2`` for the first of the names that has a version, else nothing."""
    return next((f" {versions[n]}" for n in names if n in versions), "")


def _images(writer: Writer, screen: ReportInputs) -> None:
    focus = screen.focus
    if not focus.empty and {"Channel", "Projection"} <= set(focus.columns):
        planes = int(focus.groupby(["Channel", "Metadata_ImageID"]).size().max())
        used: dict[str, list[str]] = {}
        for channel, method in focus.groupby("Channel", sort=False)["Projection"].first().items():
            kind, _, plane = str(method).partition(":")
            used.setdefault(PROJECTIONS.get(kind, kind).format(plane), []).append(str(channel))
        methods = "; ".join(f"{words} ({', '.join(channels)})" for words, channels in used.items())
        if planes > 1:
            writer.add(
                f"Stacks of {planes} planes were projected to one image per field and channel: {methods}."
            )
    if not screen.illumination.empty:
        writer.add(
            "Uneven illumination was corrected by a flat field, a smooth surface fitted to the background "
            "of many fields of an acquisition and channel, where it helped on images that were not used "
            "to estimate it, or a flat field that was given."
        )
    if not screen.images.empty:
        writer.add(
            "Fields were judged by focus, saturation, background and content; those with a clear fault of "
            "the instrument were left out of all results."
        )


def _segmentation(writer: Writer, screen: ReportInputs, version: dict[str, str]) -> None:
    params = screen.params
    pose = f"Cellpose{_of(version, 'cellpose')}"
    border = "Cells touching the image border were left out and counted."
    nuclei = params.get("nuclear_channel")
    if params.get("cell_method") == "from_nuclei":
        reach = f" by up to {params['expand_px']} px" if params.get("expand_px") else ""
        model, size = _model(screen, "nuclear_model", "nuclear_diameter")
        writer.add(
            f"Nuclei were segmented in the channel {nuclei} with {pose} [] ({model}, {size}) and "
            f"grown{reach} into cells with scikit-image []. {border}",
            "cellpose+cellpose2+cellpose3",
            "skimage",
        )
        return
    model, size = _model(screen, "cell_model", "diameter")
    where = f"the channel {params['cell_channel']}" if params.get("cell_channel") else "the cytoplasm channel"
    second = f" with {nuclei} as the second channel" if nuclei else ""
    likewise = " Nuclei were segmented likewise and matched to cells." if nuclei else ""
    method = params.get("cell_method")
    if method == "propagate":
        writer.add(
            f"Nuclei were segmented in the channel {nuclei} with {pose} [] "
            f"({', '.join(_model(screen, 'nuclear_model', 'nuclear_diameter'))}), and each was grown into a "
            f"cell in {where} by propagation []. {border}",
            "cellpose+cellpose2+cellpose3",
            "propagation",
        )
        return
    if method == "cellpose_completed" and nuclei:
        writer.add(
            f"Cells were segmented in {where}{second} with {pose} [] ({model}, {size}).{likewise} Cells "
            "that held the nuclei of several were split, and a nucleus that lay in no cell became the seed "
            f"of one, both by propagation [] over the cell stain. {border}",
            "cellpose+cellpose2+cellpose3",
            "propagation",
        )
        return
    writer.add(
        f"Cells were segmented in {where}{second} with {pose} [] ({model}, {size}).{likewise} {border}",
        "cellpose+cellpose2+cellpose3",
    )


def _model(screen: ReportInputs, model: str, diameter: str) -> tuple[str, str]:
    """Model and diameter in words."""
    params = screen.params
    name = str(params.get(model) or "not recorded")
    words = f"model {name}"
    if name == "morphodose":
        words += ", trained on simulated plates and open images of cells and nuclei"
    weights = (screen.run.get("weights") or {}).get(model) or {}
    if "start" in weights:  # a file of train_cells.py: its card in a line
        scores = [weights.get(f"f1_{when}") or [float("nan")] for when in ("before", "after")]
        words = (
            f"model {weights.get('file', name)}, trained on from {weights['start']} with "
            f"{counted(int(weights.get('cells') or 0), 'corrected cell')} of "
            f"{counted(len(weights.get('fields') or []), 'field')}; F1 on "
            f"{counted(len(weights.get('held_out') or []), 'held-out field')} {scores[0][0]:.2f} before and "
            f"{scores[1][0]:.2f} after"
        )
    given = params.get(diameter)
    if given:
        return words, f"diameter {given} px"
    kind = "cells" if diameter == "diameter" else "nuclei"
    found = screen.diameters
    states = set(found.loc[found["Object"] == kind, "State"]) if "State" in found else set()
    if "failed" in states:
        return words, "its diameter could not be estimated and was assumed"
    text = spread(screen, kind)
    return words, f"diameter estimated once on vehicle fields: {text}" if text else "no diameter given"


def _death(writer: Writer, screen: ReportInputs) -> None:
    if not screen.has("Fraction_Viable"):
        return
    early, late = screen.params.get("early_death_channel"), screen.params.get("late_death_channel")
    states = "viable, early apoptotic, late apoptotic or necrotic" if early and late else "viable or dying"
    writer.add(
        f"Each cell was called {states} by its mean intensity of {listed(n for n in (early, late) if n)} "
        "[]. The gate of a stain was set on control wells of the same acquisition: between their stained "
        f"and unstained cells, or, without a stained population, {SPREADS:g} robust standard deviations "
        "above the unstained ones. Fractions are among the cells that remained; cells lost are given "
        "against vehicle at the same time.",
        "annexin",
    )


def _responses(writer: Writer, screen: ReportInputs) -> None:
    responses = screen.responses
    if responses.empty:
        return
    zprime = "ZPrime" in responses and responses["ZPrime"].notna().any()
    writer.add(
        "Wells, not cells, were the replicates. Four-parameter logistic curves [] were fitted to the well "
        "values of each endpoint and timepoint by quasi-likelihood, their dispersion estimated from the "
        "wells, with 95 % intervals by profile likelihood []. A curve without a plateau among the doses "
        "is reported as unbounded, one that the wells do not support as refused."
        + (" Z′ compares controls as in []." if zprime else ""),
        *(["drc", "bates", "zprime"] if zprime else ["drc", "bates"]),
    )
    if not screen.onsets.empty:
        writer.add(
            "The onset of a change is the first timepoint from which the wells of a dose differ from "
            "vehicle (t tests with pooled scatter, adjusted by Holm for doses and timepoints). Shape was "
            "judged on viable cells; it is said to change first only where an excess of dying cells at "
            "that time was excluded."
        )
