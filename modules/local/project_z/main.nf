process PROJECT_Z {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), val(rows), path(planes, stageAs: 'planes/plane?????.tif')   // rows[i]: source, field, z, channel of planes[i]
    val code

    output:
    tuple val(meta), path("projected/${meta.id}"), emit: images
    tuple val(meta), path("${meta.id}_focus.parquet"), emit: focus
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def keys = groovy.json.JsonOutput.toJson(meta)
    // staged under plain names: whatever the instrument called its files never reaches the shell
    def named = rows.withIndex().collect { row, i -> [file: String.format('plane%05d.tif', i + 1)] + row }
    def table = groovy.json.JsonOutput.toJson(named).replace("'", '\\u0027')
    """
    printf '%s' '${table}' > planes.json
    project_z.py \\
        --keys '${keys}' \\
        --planes planes.json \\
        --planes_dir planes \\
        --out projected/${meta.id} \\
        --focus ${meta.id}_focus.parquet \\
        ${args}
    versions.py --process ${task.process} numpy scikit-image tifffile > versions.yml
    """

    stub:
    """
    mkdir -p projected/${meta.id}
    touch projected/${meta.id}/${meta.id}_Field_1.ome.tiff ${meta.id}_focus.parquet versions.yml
    """
}
