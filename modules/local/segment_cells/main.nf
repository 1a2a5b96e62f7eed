process SEGMENT_CELLS {
    tag "${shards[0].id}${shards*.wells.flatten().size() > 1 ? " … ${shards[-1].wells[-1].well}" : ''}"
    label 'process_gpu'
    label 'image_cellpose'

    input:
    // diameters on their plate in px: [cells: …, nuclei: …], 0 where none is needed
    tuple val(shards), path(images, stageAs: 'images/*'), val(diameters)
    path cell_weights, stageAs: 'cell_weights/*'
    path nuclear_weights, stageAs: 'nuclear_weights/*'
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(shards), path('segmented/*', arity: '1..*'), emit: masks
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def keys = groovy.json.JsonOutput.toJson(shards*.wells.flatten())
    def gpu_flag = task.accelerator ? '--use_gpu' : ''
    """
    printf '%s' '${options}' > options.json
    segment_cells.py \\
        --options options.json \\
        --keys '${keys}' \\
        --weights ${cell_weights} \\
        --nuclei_weights ${nuclear_weights} \\
        --diameter ${diameters.cells} \\
        --nuclear_diameter ${diameters.nuclei} \\
        --threads ${task.cpus} \\
        --out segmented \\
        ${gpu_flag} \\
        ${args} \\
        images/*
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    for id in ${shards*.wells.flatten()*.id.join(' ')}; do
        mkdir -p segmented/\$id
        touch segmented/\$id/\${id}_Field_1_{cells,nuclei}.tif segmented/\$id/{objects,fields}.parquet
    done
    touch versions.yml
    """
}
