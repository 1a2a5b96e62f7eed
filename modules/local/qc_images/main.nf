process QC_IMAGES {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(images)
    val code

    output:
    tuple val(meta), path("${meta.id}_qc.parquet"), emit: qc
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def keys = groovy.json.JsonOutput.toJson(meta)
    """
    qc_images.py \\
        --id ${meta.id} \\
        --keys '${keys}' \\
        --images ${images} \\
        --out ${meta.id}_qc.parquet \\
        ${args}
    versions.py --process ${task.process} numpy scipy > versions.yml
    """

    stub:
    """
    touch ${meta.id}_qc.parquet versions.yml
    """
}
