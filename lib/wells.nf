// Wells, their shards and their acquisitions: how what belongs together comes into a task, and out of it again.

/** [meta, rows] of each well-timepoint that check_design found, in the order of their ids; a row is a plane. */
def wellTimepoints(json) {
    return new groovy.json.JsonSlurper().parse(json.toFile()).toSorted { well -> well.id }.collect { well ->
        def meta = wellMeta(well)
        [meta, well.planes.collect { plane -> [id: well.id, source: plane.path, place: plane.place, field: plane.field, z: plane.z, channel: plane.channel, pixel_um: well.pixel_size_um] }]
    }
}

/** [rows with the number of their file, files]: a file that holds several planes is staged once. */
def numberedFiles(rows) {
    def paths = rows*.source.unique(false)
    def numbers = paths.withIndex(1).collectEntries()
    return [rows.collect { row -> row + [file: numbers[row.source]] }, paths.collect { path -> file(path, glob: false) }]
}

/** Only what names the well: the plate map is joined later, so that a corrected dose does not measure again. */
def wellMeta(well) {
    return [
        id: well.id, acquisition: well.acquisition, plate: well.plate, timepoint_h: well.timepoint_h, replicate: well.replicate, well: well.well
    ]
}

/** Id of each well-timepoint on which diameters are estimated. */
def diameterSample(json) {
    return new groovy.json.JsonSlurper().parse(json.toFile()).findAll { well -> well.diameter_sample }.collectEntries { well -> [well.id, true] }
}

/** [metas, folders, diameters] of a shard of [meta, folder], all of one plate: given ones, else what was estimated there. */
def plateShard(shard, of_plate, options) {
    def metas = shard.collect { meta, _folder -> meta }
    def estimated = of_plate[metas[0].plate] ?: [:]
    return [metas, shard.collect { _meta, folder -> folder }, [cells: options.diameter ?: estimated.cells ?: 0, nuclei: options.nuclear_diameter ?: estimated.nuclei ?: 0]]
}

/** Diameters on a plate by which focus is judged: given ones, else what was estimated there and is more than a guess. */
def knownDiameters(plate, of_plate, options) {
    def known = of_plate[plate]?.known ?: [:]
    return [cells: options.diameter ?: known.cells ?: 0, nuclei: options.nuclear_diameter ?: known.nuclei ?: 0]
}

/** Acquisition → number of its wells, so that an acquisition goes on as soon as it is complete. */
def wellsPerAcquisition(json) {
    return new groovy.json.JsonSlurper().parse(json.toFile()).countBy { well -> well.acquisition }
}

/** Id of a well-timepoint → its task: [name, size]; wells of one acquisition share a task, in the order of their ids. */
def tasksOf(json, size) {
    def shards = new groovy.json.JsonSlurper().parse(json.toFile()).groupBy { well -> well.acquisition }.values().collectMany { wells ->
        wells*.id.toSorted().collate(size)
    }
    return shards.collectMany { ids -> ids.collect { id -> [id, [ids[0], ids.size()]] } }.collectEntries()
}

/** [metas, entries] of each task from [meta, entry] of the wells, as soon as it is complete. */
def inTasks(by_well, tasks) {
    return by_well
        .combine(tasks)
        .map { meta, entry, of -> [groupKey(of[meta.id][0], of[meta.id][1]), [meta, entry]] }
        .groupTuple()
        .map { _key, wells -> wells.toSorted { well -> well[0].id }.transpose() }
}

/** [meta, file] of each well from [metas, files] of tasks; a well's file is called its id and an ending. */
def byWell(in_tasks, ending) {
    return in_tasks.flatMap { metas, files ->
        def several = files instanceof List ? files : [files]
        metas.collect { meta -> [meta, several.find { path -> path.name == meta.id + ending }] }
    }
}

/** [[acquisition:, plate:], sorted entries] of each acquisition from [meta, entry] of its wells; an entry is a file or [meta, file]. */
def byAcquisition(by_well, sizes) {
    return by_well
        .combine(sizes)
        .map { meta, entry, count -> [groupKey([acquisition: meta.acquisition, plate: meta.plate], count[meta.acquisition]), entry] }
        .groupTuple()
        .map { key, entries -> [key.target, entries.toSorted { entry -> entry instanceof List ? entry[0].id : entry.name }] }
}
