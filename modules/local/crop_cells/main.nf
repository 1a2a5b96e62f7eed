process CROP_CELLS {
    tag "${metas[0].id}${metas.size() > 1 ? " … ${metas[-1].well}" : ''}"
    label 'process_low'

    input:
    tuple val(metas), path(images, stageAs: 'images/*'), path(masks, stageAs: 'masks/*')   // well-timepoints
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(metas), path('*.arrow'), path('*_crops.parquet'), emit: crops
    path "tiff/*", optional: true, emit: tiffs   // with --export_crops
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def wells = metas.collect { meta ->
        [
            id: meta.id, keys: meta, images: "images/${meta.id}", masks: "masks/${meta.id}",
            out_shard: "${meta.id}.arrow", out_index: "${meta.id}_crops.parquet", tiffs: "tiff/${meta.id}"
        ]
    }
    """
    printf '%s' '${groovy.json.JsonOutput.toJson(wells)}' > wells.json
    printf '%s' '${options}' > options.json
    crop_cells.py \\
        --options options.json \\
        --wells wells.json \\
        ${args}
    versions.py --process ${task.process} numpy pyarrow scipy tifffile > versions.yml
    """

    stub:
    """
    for id in ${metas*.id.join(' ')}; do
        touch \$id.arrow \${id}_crops.parquet
    done
    touch versions.yml
    """
}
