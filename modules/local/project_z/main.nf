process PROJECT_Z {
    tag "${shard.name}"
    label 'process_single'

    input:
    // rows: id of the well-timepoint, file (its number in files), path, place in the file, field, z, channel, edge of a pixel by the metadata or null
    tuple val(shard), val(rows), path(files, stageAs: 'planes/file?????')
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(shard), path('projected/*', arity: '1..*'), emit: images
    path 'projected/*/focus.parquet', emit: focus
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    // staged under plain names: what the instrument called its files is only quoted in messages
    def cells = rows.collectMany { row ->
        [row.id, "file${row.file.toString().padLeft(5, '0')}".toString(), quoted(row.path), quoted(row.place), row.field, row.z, quoted(row.channel), row.pixel_um ?: "''"]
    }
    """
    printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' id file source place field z channel pixel_um ${cells.join(' ')} > planes.tsv
    printf '%s' '${groovy.json.JsonOutput.toJson(shard.wells)}' > wells.json
    printf '%s' '${options}' > options.json
    project_z.py \\
        --options options.json \\
        --keys wells.json \\
        --planes planes.tsv \\
        --planes_dir planes \\
        --out projected \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    for id in ${shard.wells*.id.join(' ')}; do
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
