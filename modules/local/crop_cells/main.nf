process CROP_CELLS {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(images, stageAs: 'images/*'), path(masks, stageAs: 'masks/*')
    val code

    output:
    tuple val(meta), path("${meta.id}.arrow"), path("${meta.id}_crops.parquet"), emit: crops
    path "${meta.id}", optional: true, emit: tiffs   // with ext.export
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def export = task.ext.export ? "--export ${meta.id}" : ''
    def keys = groovy.json.JsonOutput.toJson(meta)
    """
    crop_cells.py \\
        --id ${meta.id} \\
        --keys '${keys}' \\
        --images ${images} \\
        --masks ${masks} \\
        --out_shard ${meta.id}.arrow \\
        --out_index ${meta.id}_crops.parquet \\
        ${export} \\
        ${args}
    versions.py --process ${task.process} numpy pyarrow scipy tifffile > versions.yml
    """

    stub:
    """
    touch ${meta.id}.arrow ${meta.id}_crops.parquet versions.yml
    """
}
