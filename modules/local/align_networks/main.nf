process ALIGN_NETWORKS {
    label 'process_gpu'
    label 'image_resnet'

    input:
    path crops, stageAs: 'crops/*'         // all shards: the anchors are spread over the screen
    path split
    path networks, stageAs: 'networks/*'   // trained_fold<k>.json and .safetensors of all folds
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'alignment.safetensors', emit: alignment
    path 'alignment.parquet', emit: table
    path 'anchors.parquet', emit: anchors
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def gpu_flag = task.accelerator ? '--use_gpu' : ''
    """
    printf '%s' '${options}' > options.json
    align_networks.py \\
        --options options.json \\
        --crops crops \\
        --split ${split} \\
        --networks networks \\
        --workers ${task.accelerator ? task.cpus : 0} \\
        --threads ${task.cpus} \\
        --out alignment.safetensors \\
        --table_out alignment.parquet \\
        --anchors_out anchors.parquet \\
        ${gpu_flag} \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    touch alignment.safetensors alignment.parquet anchors.parquet versions.yml
    """
}
