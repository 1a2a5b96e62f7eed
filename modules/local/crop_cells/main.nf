process CROP_CELLS {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(images, stageAs: 'images/*'), path(masks, stageAs: 'masks/*')
    val code

    output:
    tuple val(meta), path("${meta.id}.arrow"), path("${meta.id}_crops.parquet"), emit: crops
    path "${meta.id}", optional: true, emit: tiffs   // with --export in ext.args
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def keys = groovy.json.JsonOutput.toJson(meta)
    """
    crop_cells.py \\
        --id ${meta.id} \\
        --keys '${keys}' \\
        --images ${images} \\
        --masks ${masks} \\
        --out_shard ${meta.id}.arrow \\
        --out_index ${meta.id}_crops.parquet \\
        ${args}
    versions.py --process ${task.process} numpy pyarrow scipy tifffile > versions.yml
    """

    stub:
    """
    touch ${meta.id}.arrow ${meta.id}_crops.parquet versions.yml
    """
}
