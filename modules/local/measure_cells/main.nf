process MEASURE_CELLS {
    tag "${metas[0].id}${metas.size() > 1 ? " … ${metas[-1].well}" : ''}"
    label 'process_low'

    input:
    tuple val(metas), path(images, stageAs: 'images/*'), path(masks, stageAs: 'masks/*')   // well-timepoints
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(metas), path('*.parquet'), emit: measurements
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def wells = metas.collect { meta ->
        [id: meta.id, keys: meta, images: "images/${meta.id}", masks: "masks/${meta.id}", out: "${meta.id}.parquet"]
    }
    """
    printf '%s' '${groovy.json.JsonOutput.toJson(wells)}' > wells.json
    printf '%s' '${options}' > options.json
    measure_cells.py \\
        --options options.json \\
        --wells wells.json \\
        ${args}
    versions.py --process ${task.process} numba numpy > versions.yml
    """

    stub:
    """
    touch ${metas.collect { meta -> "${meta.id}.parquet" }.join(' ')} versions.yml
    """
}
