process ESTIMATE_DIAMETERS {
    tag "${wells.size()} well-timepoints"
    label 'process_gpu'
    label 'image_cellpose'

    input:
    tuple val(wells), path(images, stageAs: 'images/*')   // the sample of vehicle wells that check_design chose
    path cell_weights, stageAs: 'cell_weights/*'
    path nuclear_weights, stageAs: 'nuclear_weights/*'
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'diameters.json', emit: diameters
    path 'diameters.parquet', emit: table

    script:
    def args = task.ext.args ?: ''
    def keys = groovy.json.JsonOutput.toJson(wells)
    def gpu_flag = task.accelerator ? '--use_gpu' : ''
    """
    printf '%s' '${options}' > options.json
    estimate_diameters.py \\
        --options options.json \\
        --keys '${keys}' \\
        --weights ${cell_weights} \\
        --nuclei_weights ${nuclear_weights} \\
        --threads ${task.cpus} \\
        ${gpu_flag} \\
        ${args} \\
        images/*
    """

    stub:
    """
    echo '{}' > diameters.json
    touch diameters.parquet
    """
}
