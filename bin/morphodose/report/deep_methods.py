"""Paragraphs of the methods text on the deep half, each only where its step ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from morphodose.report.answers import finite
from morphodose.report.deep_words import held_out_words, set_words
from morphodose.report.inputs import ReportInputs
from morphodose.report.training import trained
from morphodose.report.words import counted, listed

REFERENCES = {
    "resnet": (
        "He K, Zhang X, Ren S, Sun J. Deep residual learning for image recognition. Proc IEEE CVPR "
        "770–778 (2016)."
    ),
    "onecycle": (
        "Smith LN, Topin N. Super-convergence: very fast training of neural networks using large learning "
        "rates. Proc SPIE 11006:1100612 (2019)."
    ),
    "pytorch": (
        "Paszke A, et al. PyTorch: an imperative style, high-performance deep learning library. Adv Neural "
        "Inf Process Syst 32 (2019)."
    ),
    "gradcam": (
        "Selvaraju RR, et al. Grad-CAM: visual explanations from deep networks via gradient-based "
        "localization. Proc IEEE ICCV 618–626 (2017)."
    ),
    "calibration": (
        "Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. Proc ICML, PMLR "
        "70:1321–1330 (2017)."
    ),
    "sklearn": (
        "Pedregosa F, et al. Scikit-learn: machine learning in Python. J Mach Learn Res 12:2825–2830 (2011)."
    ),
    "bootstrap": (
        "Rao JNK, Wu CFJ. Resampling inference with complex survey data. J Am Stat Assoc 83:231–241 (1988)."
    ),
    "umap": (
        "McInnes L, Healy J, Saul N, Großberger L. UMAP: uniform manifold approximation and projection. J "
        "Open Source Softw 3:861 (2018)."
    ),
    "pycytominer": (
        "Serrano E, et al. Reproducible image-based profiling with Pycytominer. Nat Methods 22:677–680 "
        "(2025)."
    ),
    "copairs": (
        "Kalinin AA, et al. A versatile information retrieval framework for evaluating profile strength and "
        "similarity. Nat Commun 16:5181 (2025)."
    ),
}
#: Heads in words.
HEADS = {
    "multilabel": "binary cross entropy over all doses and times (multi-label)",
    "softmax": "cross entropy over the classes of each label",
    "ordinal": "cumulative logits over the ordered classes of each label",
}
OPTIMISERS = {"adam": "Adam", "adamw": "AdamW"}


class Text(Protocol):
    """What takes paragraphs; see `methods.Writer`."""

    def add(self, text: str, *keys: str) -> None:
        """Add a paragraph, its references by key."""


def deep_paragraphs(writer: Text, screen: ReportInputs, version: Mapping[str, str]) -> None:
    """Crops, network, splits and baselines, reduction, profiles."""
    if not screen.deep.given:
        return
    _crops(writer, screen)
    _network(writer, screen, version)
    _evaluation(writer, screen, version)
    _components(writer, screen, version)
    _profiles(writer, screen, version)


def _crops(writer: Text, screen: ReportInputs) -> None:
    labels, networks = screen.deep.labels, trained(screen)
    if not labels and not networks:
        return
    first = networks[0] if networks else {}
    channels = listed(str(name) for name in first.get("channels") or [])
    size = first.get("crop_size")
    edge = f" of {size} × {size} px" if finite(size) else ""
    number_of = f"{labels['n_cells']:,} cells" if finite(labels.get("n_cells")) else "each cell"
    what = f" from {channels}" if channels else ""
    writer.add(
        f"Crops{edge} of {number_of} were cut{what}: the mask of the cell, widened and softened by Gaussian "
        "blur (3 × 3, then 11 × 11), was multiplied into the raw image and centred on the cell; a crop that "
        "reached beyond the image was padded with zeros."
    )


def _network(writer: Text, screen: ReportInputs, version: Mapping[str, str]) -> None:
    networks = trained(screen)
    if not networks:
        return
    first = networks[0]
    network = str(first.get("network") or "ResNet50").replace("resnet", "ResNet")
    size, batch = first.get("input_size"), first.get("batch_size")
    cells = [int(r["n_train"]) for r in networks if finite(r.get("n_train"))]
    on = f" on {min(cells):,} to {max(cells):,} cells" if len(set(cells)) > 1 else ""
    on = on or (f" on {cells[0]:,} cells" if cells else "")
    head = HEADS.get(str(first.get("head")), str(first.get("head") or "the labels"))
    optimiser = OPTIMISERS.get(str(first.get("optimizer")), str(first.get("optimizer") or "Adam"))
    rate, schedule = first.get("learning_rate"), "a one-cycle schedule []"
    if finite(rate):
        schedule += f" with at most {rate:g} at the head, falling to a tenth of it at the stem"
    if finite(batch):
        schedule += f", {batch} crops per step"
    epochs = counted(int(first["epochs"]), "epoch") if finite(first.get("epochs")) else "some epochs"
    trial = " (a trial of the pipeline, not a training)" if first.get("trial") else ""
    writer.add(
        f"A {network} [] was trained from random weights{on} in each fold for {epochs}{trial} with "
        f"PyTorch{_of(version, 'torch', 'pytorch')} []: crops resized to {size or 224} px, intensities "
        "standardised by vehicle training cells of the screen, flips, right-angle turns and small shifts; "
        f"{head}; {optimiser}, {schedule}. The last epoch was used.",
        "resnet",
        "pytorch",
        "onecycle",
    )
    if not screen.deep.gallery.empty:
        writer.add("Where the networks looked was shown by Grad-CAM [].", "gradcam")


def _evaluation(writer: Text, screen: ReportInputs, version: Mapping[str, str]) -> None:
    deep = screen.deep
    if deep.scores.empty:
        return
    models = set(deep.scores["Model"])
    folds = deep.labels.get("folds")
    how = f"{counted(int(folds), 'fold')} over {held_out_words(screen)}" if finite(folds) else "folds"
    beside = [
        words
        for name, words in (
            ("majority", "the majority class"),
            ("position", "the position in plate and well"),
            ("intensity", "mean intensities alone"),
            ("classical_logistic", "logistic regression"),
            ("classical_boosting", "gradient boosting on all measurements"),
            ("probe_untrained", "logistic regression on an untrained network"),
            ("probe_imagenet", "logistic regression on a network with ImageNet weights"),
            ("network_permuted", "the network trained on labels shuffled between wells"),
        )
        if name in models
    ]
    mixed = ", and, as a contrast only, a random split over cells" if "network_random_split" in models else ""
    writer.add(
        f"Every cell was judged by a network that had not seen its {held_out_words(screen)[:-1]} ({how}; a "
        f"field at all its timepoints on one side). Beside it stood {listed(beside, 12)}{mixed}, with "
        f"scikit-learn{_of(version, 'scikit-learn', 'sklearn')} []. Intervals come from resampling wells "
        "[], not cells; calibration is the expected calibration error []. A label counts as told only "
        "where the network was better than the majority class, permuted labels and position beyond chance.",
        "sklearn",
        "bootstrap",
        "calibration",
    )


def _components(writer: Text, screen: ReportInputs, version: Mapping[str, str]) -> None:
    sets = screen.deep.sets
    if not sets:
        return
    names = listed(set_words(name) for name in sets)
    projected = [set_words(name) for name, found in sets.items() if found.record.get("model")]
    earlier = (
        f" Cells were projected on the components of an earlier run, by its choice of features and its "
        f"scales ({listed(projected)})."
        if projected
        else ""
    )
    mapped = any(not found.umap.empty for found in sets.values())
    within = any(found.record.get("ranked_within") for found in sets.values())
    tail = (
        f" A sample of cells was laid out by UMAP{_of(version, 'umap-learn', 'umap')} []." if mapped else ""
    )
    writer.add(
        f"Features ({names}) without variance were left out, the others ranked by chi-squared against the "
        f"labels{' within each group' if within else ''}, standardised, and reduced by principal component "
        f"analysis.{earlier}{tail}",
        *(["umap"] if mapped else []),
    )


def _profiles(writer: Text, screen: ReportInputs, version: Mapping[str, str]) -> None:
    if screen.deep.profile_scores.empty:
        return
    writer.add(
        f"Profiles of wells were made with pycytominer{_of(version, 'pycytominer')} []: robust standard "
        "deviations of the vehicle wells of the same plate and time. Activity against vehicle and "
        "reproducibility of replicates are mean average precisions by copairs"
        f"{_of(version, 'copairs')} [], with P values from permutations and adjusted for all conditions.",
        "pycytominer",
        "copairs",
    )


def _of(versions: Mapping[str, str], *names: str) -> str:
    """`` 1.2`` for the first of the names that has a version, else nothing."""
    return next((f" {versions[name]}" for name in names if name in versions), "")
