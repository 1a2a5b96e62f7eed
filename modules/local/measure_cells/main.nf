process MEASURE_CELLS {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(images, stageAs: 'images/*'), path(masks, stageAs: 'masks/*')
    val code

    output:
    tuple val(meta), path("${meta.id}.parquet"), emit: measurements
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def keys = groovy.json.JsonOutput.toJson(meta)
    """
    measure_cells.py \\
        --id ${meta.id} \\
        --keys '${keys}' \\
        --images ${images} \\
        --masks ${masks} \\
        --out ${meta.id}.parquet \\
        ${args}
    versions.py --process ${task.process} cp_measure numba scikit-image > versions.yml
    """

    stub:
    """
    touch ${meta.id}.parquet versions.yml
    """
}
