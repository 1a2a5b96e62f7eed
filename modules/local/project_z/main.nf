process PROJECT_Z {
    tag "${metas[0].id}${metas.size() > 1 ? " … ${metas[-1].well}" : ''}"
    label 'process_single'

    input:
    tuple val(metas), val(rows), path(planes, stageAs: 'planes/plane?????.tif')   // rows[i]: id, source, field, z, channel of planes[i]
    val code

    output:
    tuple val(metas), path('projected/*'), emit: images
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def wells = metas.collect { meta -> [id: meta.id, keys: meta, planes: "${meta.id}.tsv"] }
    // staged under plain names: what the instrument called its files is only quoted in messages
    def cells = rows.withIndex().groupBy { row, _i -> row.id }.collectEntries { id, its ->
        [id, its.collectMany { row, i ->
            [String.format('plane%05d.tif', i + 1), "'${row.source.replace("'", "'\\''")}'", row.field, row.z, "'${row.channel}'"]
        }]
    }
    def sheets = metas.collect { meta ->
        "printf '%s\\t%s\\t%s\\t%s\\t%s\\n' file source field z channel ${cells[meta.id].join(' ')} > ${meta.id}.tsv"
    }
    """
    ${sheets.join('\n    ')}
    printf '%s' '${groovy.json.JsonOutput.toJson(wells)}' > wells.json
    project_z.py \\
        --wells wells.json \\
        --planes_dir planes \\
        --out projected \\
        ${args}
    versions.py --process ${task.process} numpy scikit-image tifffile > versions.yml
    """

    stub:
    """
    for id in ${metas*.id.join(' ')}; do
        mkdir -p projected/\$id
        touch projected/\$id/\${id}_Field_1.ome.tiff projected/\$id/focus.parquet
    done
    touch versions.yml
    """
}
