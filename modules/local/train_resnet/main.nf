process TRAIN_RESNET {
    tag "${meta.id}"
    label 'process_gpu'
    label 'image_resnet'

    input:
    val meta   // id, fold, kind
    path shards, stageAs: 'crops/*'
    path split
    path labels
    val checkpoints   // absolute path of a folder that outlives the task: a killed training goes on from there
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(meta), path("${meta.kind}_fold${meta.fold}.safetensors"), path("${meta.kind}_fold${meta.fold}.json"), emit: weights
    tuple val(meta), path("${meta.kind}_fold${meta.fold}_predictions.parquet"), emit: predictions
    tuple val(meta), path("${meta.kind}_fold${meta.fold}_log.csv"), path("${meta.kind}_fold${meta.fold}_log.parquet"), emit: log
    path "${meta.kind}_fold${meta.fold}_lr_range.parquet", optional: true, emit: lr_range
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    // of each node; without GPUs they are processes on CPUs
    def devices = task.accelerator ? task.accelerator.request : task.ext.devices ?: 1
    def cores = Math.max(1, task.cpus.intdiv(devices))
    def gpu_flag = task.accelerator ? "--use_gpu --workers ${Math.max(1, cores - 1)}" : ''
    // starts it on each of several nodes
    def launcher = task.ext.launcher ?: ''
    """
    printf '%s' '${options}' > options.json
    ${launcher} train_resnet.py \\
        --options options.json \\
        --split ${split} \\
        --labels ${labels} \\
        --fold ${meta.fold} \\
        --kind ${meta.kind} \\
        --checkpoints '${checkpoints.toString().replace("'", "'\\''")}' \\
        --code ${code} \\
        --devices ${devices} \\
        --num_nodes ${task.ext.nodes ?: 1} \\
        --threads ${cores} \\
        ${gpu_flag} \\
        ${args} \\
        crops
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch ${meta.kind}_fold${meta.fold}{.safetensors,.json,_predictions.parquet,_log.csv,_log.parquet} versions.yml
    """
}
