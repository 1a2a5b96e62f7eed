process QC_IMAGES {
    tag "${metas[0].id}${metas.size() > 1 ? " … ${metas[-1].well}" : ''}"
    label 'process_single'

    input:
    // well-timepoints of a plate, and the diameters there in px: [cells: …, nuclei: …], 0 where not known
    tuple val(metas), path(images, stageAs: 'images/*'), val(diameters)
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(metas), path('*_qc.parquet'), emit: qc
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def wells = metas.collect { meta ->
        [id: meta.id, keys: meta, images: "images/${meta.id}", out: "${meta.id}_qc.parquet", diameter: diameters.cells, nuclear_diameter: diameters.nuclei]
    }
    """
    printf '%s' '${groovy.json.JsonOutput.toJson(wells)}' > wells.json
    printf '%s' '${options}' > options.json
    qc_images.py \\
        --options options.json \\
        --wells wells.json \\
        ${args}
    versions.py --process ${task.process} numpy scipy > versions.yml
    """

    stub:
    """
    touch ${metas.collect { meta -> "${meta.id}_qc.parquet" }.join(' ')} versions.yml
    """
}
