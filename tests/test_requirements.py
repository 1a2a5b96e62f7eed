"""The lock files of the images: hashed, without addresses, and in agreement with the local environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "containers" / "requirements"
#: Image → the files its lock is made of, as in setup/lock.sh.
IMAGES = {
    "base": ("base", "report", "profiles"),
    "cellpose3": ("base", "cellpose3"),
    "resnet": ("base", "resnet"),
    "cellpose4": ("cellpose4",),
}
#: The same images for P100.
P100 = {f"{image}-p100": IMAGES[image] for image in ("cellpose3", "resnet", "cellpose4")}


def pins(lock: str) -> dict[str, str]:
    """`name==version ; marker` of a lock file → its hashes."""
    text = (FOLDER / f"{lock}.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    return {
        " ".join(line.partition("--hash")[0].split()): " ".join(sorted(re.findall(r"--hash=(\S+)", line)))
        for line in lines
    }


def wanted(name: str) -> set[str]:
    """Packages that a .in file asks for, their names as a lock file writes them."""
    lines = (FOLDER / f"{name}.in").read_text(encoding="utf-8").splitlines()
    found = [re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith("#")]
    return {re.sub(r"[._-]+", "-", match[0]).lower() for match in found if match}


@pytest.mark.parametrize("lock", ["local", "installer", *IMAGES, *P100])
def test_every_package_has_one_version_and_hashes_and_no_address(lock: str) -> None:
    assert "://" not in (FOLDER / f"{lock}.lock").read_text(encoding="utf-8")
    found = pins(lock)
    assert len(found) > (0 if lock == "installer" else 40)
    for pin, hashes in found.items():
        assert re.match(r"[a-z0-9-]+==\S+", pin), pin
        assert hashes.startswith("sha256:"), pin


@pytest.mark.parametrize("image", [*IMAGES, *P100])
def test_a_lock_holds_what_its_image_asks_for(image: str) -> None:
    locked = {pin.partition("==")[0] for pin in pins(image)}
    for source in {**IMAGES, **P100}[image]:
        assert wanted(source) <= locked, f"{image}.lock lacks what {source}.in asks for; run setup/lock.sh"


@pytest.mark.parametrize("image", ["base", "cellpose3", "resnet"])
def test_an_image_has_the_versions_of_the_local_environment(image: str) -> None:
    local = pins("local")
    for pin, hashes in pins(image).items():
        assert local.get(pin) == hashes, f"{pin} of {image}.lock is not in local.lock; run setup/lock.sh"


def versions(lock: str) -> dict[str, str]:
    """Package → version, of those that have one whatever the platform."""
    found = [pin.partition(";")[0].strip().partition("==") for pin in pins(lock)]
    return {name: version for name, _, version in found}


#: What decides which drivers and GPUs will do: CUDA 12.8 (driver 525, V100 to B200), CUDA 12.6 (P100, too).
TORCH = {"torch": "2.10.", "torchvision": "0.25.", "nvidia-cuda-runtime-cu12": "12.8."}
OLDER = {"torch": "2.7.1", "torchvision": "0.22.1", "nvidia-cuda-runtime-cu12": "12.6."}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        *((lock, TORCH) for lock in ("local", "cellpose3", "resnet", "cellpose4")),
        *((lock, OLDER) for lock in P100),
    ],
)
def test_pytorch_is_one_that_the_drivers_and_gpus_of_clusters_run(lock: str, wanted: dict[str, str]) -> None:
    found = versions(lock)
    assert {"torch", "nvidia-cuda-runtime-cu12"} <= found.keys()
    assert "torchvision" in found or lock.startswith("cellpose3")  # which has no use for it
    for name, version in wanted.items():
        assert found.get(name, version).startswith(version), f"{name} of {lock}.lock"
    assert not [
        name for name in found if name.startswith(("nvidia-", "cuda-")) and "13" in found[name].split(".")[:1]
    ]


@pytest.mark.parametrize("image", ["cellpose3", "resnet"])
def test_the_images_for_p100_differ_in_pytorch_alone(image: str) -> None:
    of_torch = ("torch", "triton", "nvidia-", "cuda-")
    older, newer = versions(f"{image}-p100"), versions(image)
    for name, version in older.items():
        assert newer[name] == version or name.startswith(of_torch) and name != "torchmetrics", name


def test_cuda_is_only_where_a_step_uses_it() -> None:
    base = {pin.partition("==")[0] for pin in pins("base")}
    assert not {name for name in base if name.startswith(("nvidia-", "torch", "cuda-", "triton"))}
    for image in ("cellpose3", "resnet", "cellpose4"):
        assert any(pin.startswith("nvidia-cudnn") for pin in pins(image)), image


def test_the_second_engine_is_cellpose_4_and_the_first_cellpose_3() -> None:
    versions = {
        image: next(pin for pin in pins(image) if pin.startswith("cellpose=="))
        for image in ("cellpose3", "cellpose4")
    }
    assert versions["cellpose3"].startswith("cellpose==3.")
    assert versions["cellpose4"].startswith("cellpose==4.")
