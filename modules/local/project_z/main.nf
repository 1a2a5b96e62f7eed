process PROJECT_Z {
    tag "${metas[0].id}${metas.size() > 1 ? " … ${metas[-1].well}" : ''}"
    label 'process_single'

    input:
    tuple val(metas), val(rows), path(files, stageAs: 'planes/file?????')   // rows: id, file (its number in files), source, place in the file, field, z, channel, edge of a pixel by the metadata or null
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(metas), path('projected/*'), emit: images
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def wells = metas.collect { meta -> [id: meta.id, keys: meta, planes: "${meta.id}.tsv"] }
    // staged under plain names: what the instrument called its files is only quoted in messages
    def cells = rows.groupBy { row -> row.id }.collectEntries { id, its ->
        [id, its.collectMany { row ->
            [String.format('file%05d', row.file), quoted(row.source), quoted(row.place), row.field, row.z, quoted(row.channel), row.pixel_um ?: "''"]
        }]
    }
    def sheets = metas.collect { meta ->
        "printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' file source place field z channel pixel_um ${cells[meta.id].join(' ')} > ${meta.id}.tsv"
    }
    """
    ${sheets.join('\n    ')}
    printf '%s' '${groovy.json.JsonOutput.toJson(wells)}' > wells.json
    printf '%s' '${options}' > options.json
    project_z.py \\
        --options options.json \\
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

/** Text as one word of bash, whatever is in it. */
def quoted(text) {
    return "'${text.replace("'", "'\\''")}'"
}
