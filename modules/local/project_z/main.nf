process PROJECT_Z {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), val(rows), path(planes, stageAs: 'planes/plane?????.tif')   // rows[i]: source, field, z, channel of planes[i]
    val code

    output:
    tuple val(meta), path("projected/${meta.id}"), emit: images
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def keys = groovy.json.JsonOutput.toJson(meta)
    // staged under plain names: what the instrument called its files is only quoted in messages
    def cells = rows.withIndex().collectMany { row, i ->
        [String.format('plane%05d.tif', i + 1), "'${row.source.replace("'", "'\\''")}'", row.field, row.z, "'${row.channel}'"]
    }
    """
    printf '%s\\t%s\\t%s\\t%s\\t%s\\n' file source field z channel ${cells.join(' ')} > planes.tsv
    project_z.py \\
        --id ${meta.id} \\
        --keys '${keys}' \\
        --planes planes.tsv \\
        --planes_dir planes \\
        --out projected \\
        ${args}
    versions.py --process ${task.process} numpy scikit-image tifffile > versions.yml
    """

    stub:
    """
    mkdir -p projected/${meta.id}
    touch projected/${meta.id}/${meta.id}_Field_1.ome.tiff projected/${meta.id}/focus.parquet versions.yml
    """
}
