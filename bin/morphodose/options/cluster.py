"""Parameters of the pipeline: tasks, images and scheduler."""

from __future__ import annotations

from morphodose.options.option import Group, Option

WELLS_PER_TASK = Option(
    "wells_per_task",
    "integer",
    1,
    minimum=1,
    help="Well-timepoints per task of projection, quality, illumination, measurement and crops; raise it if"
    " wells are so small that tasks take seconds.",
)
CONTAINER_DIR = Option(
    "container_dir",
    "text",
    "${projectDir}/images",
    help="With -profile apptainer or singularity: folder with the images base.sif, cellpose3.sif, …, as "
    "written by containers/build.sh.",
)
CONTAINER_REGISTRY = Option(
    "container_registry",
    "text",
    None,
    pattern="\\S+[^/\\s]",
    error="is not an address without a slash at its end",
    help="Registry to pull the images from instead, such as docker://registry.example/lab or oras://…; "
    "they are called morphodose-base:TAG and so on.",
)
CONTAINER_TAG = Option(
    "container_tag",
    "text",
    "0.1.0",
    pattern="[A-Za-z0-9_][A-Za-z0-9_.-]*",
    error="is not a tag",
    help="Tag of the images in the registry.",
)
SLURM_QUEUE = Option(
    "slurm_queue",
    "text",
    None,
    pattern="[A-Za-z0-9_.,-]+",
    error="is not the name of a partition",
    help="With -profile slurm: partition of the CPU steps. If not given: the cluster's default.",
)
SLURM_GPU_QUEUE = Option(
    "slurm_gpu_queue",
    "text",
    None,
    pattern="[A-Za-z0-9_.,-]+",
    error="is not the name of a partition",
    help="Partition of the GPU steps. If not given: that of the CPU steps.",
)
SLURM_ACCOUNT = Option(
    "slurm_account",
    "text",
    None,
    pattern="[A-Za-z0-9_.-]+",
    error="is not the name of an account",
    help="Account to charge the jobs to.",
)
SLURM_GPU_TYPE = Option(
    "slurm_gpu_type",
    "text",
    None,
    pattern="[A-Za-z0-9_.-]+",
    error="is not the name of a GPU type",
    help="Type of GPU to ask for, such as a100, as `sinfo -o %G` names it. If not given: any.",
)
SLURM_OPTIONS = Option(
    "slurm_options",
    "text",
    None,
    pattern="[^'\"`$;&|<>\\n]*",
    error="may not hold quotes or characters of the shell",
    help="Other options for sbatch, given with = (--slurm_options='--qos=normal --constraint=ib') or in "
    "a parameter file.",
)
SLURM_JOBS = Option(
    "slurm_jobs", "integer", 100, minimum=1, help="Maximum number of jobs waiting or running at a time."
)
SLURM_ARRAY = Option(
    "slurm_array",
    "integer",
    0,
    minimum=0,
    never=1,
    error="is not a job array: 2 or more tasks are submitted together, and 0 submits each alone",
    help="Number of tasks (2 or more) to submit together as one job array, in CPU steps with many tasks; "
    "0 submits each alone.",
)
SLURM_SUBMIT_RATE = Option(
    "slurm_submit_rate",
    "text",
    "10/1min",
    pattern="\\d+ ?/ ?\\d* ?(s|sec|second|seconds|m|min|minute|minutes|h|hour)",
    error="is not a rate such as 10/1min",
    help="Maximum rate of submission, such as 10/1min.",
)
SLURM_POLL = Option(
    "slurm_poll",
    "text",
    "30 sec",
    pattern="\\d+ ?(s|sec|m|min)",
    error="is not a time such as 30 sec",
    help="How often to check the scheduler and the folders of the jobs.",
)

GROUP = Group(
    "cluster",
    "Tasks, images and scheduler",
    (
        WELLS_PER_TASK,
        CONTAINER_DIR,
        CONTAINER_REGISTRY,
        CONTAINER_TAG,
        SLURM_QUEUE,
        SLURM_GPU_QUEUE,
        SLURM_ACCOUNT,
        SLURM_GPU_TYPE,
        SLURM_OPTIONS,
        SLURM_JOBS,
        SLURM_ARRAY,
        SLURM_SUBMIT_RATE,
        SLURM_POLL,
    ),
)
