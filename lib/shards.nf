// Shards: the wells of a task, as check_design planned them; and what is gathered from several of them.

/** All well-timepoints that check_design found, in the order of their ids. */
def wellTimepoints(json) {
    return new groovy.json.JsonSlurper().parse(json.toFile()).toSorted { well -> well.id }
}

/** [shard, planes, files] of each shard; a file that holds several planes is staged once, and a plane has its number. */
def plannedShards(json) {
    return wellTimepoints(json).groupBy { well -> well.shard }.collect { id, wells ->
        def planes = wells.collectMany { well -> well.planes.collect { plane -> plane + [id: well.id, pixel_um: well.pixel_size_um] } }
        def paths = planes*.path.unique(false)
        def numbers = paths.withIndex(1).collectEntries()
        // only what names the wells: the plate map is joined later, so that a corrected dose does not measure again
        def shard = [id: id, name: "${id}${wells.size() > 1 ? " … ${wells[-1].well}" : ''}".toString(), acquisition: wells[0].acquisition, plate: wells[0].plate]
        def keys = wells.collect { well -> well.subMap(['id', 'acquisition', 'plate', 'timepoint_h', 'replicate', 'well']) }
        [shard + [wells: keys], planes.collect { plane -> plane + [file: numbers[plane.path]] }, paths.collect { path -> file(path, glob: false) }]
    }
}

/** Unit (acquisition, segmentation_shard, embedding_shard) → id of a shard → the one it belongs to, which knows its number of shards. */
def unitsOf(json) {
    def shards = wellTimepoints(json).unique { well -> well.shard }
    return ['acquisition', 'segmentation_shard', 'embedding_shard'].collectEntries { unit ->
        def sizes = shards.countBy { well -> well[unit] }
        [unit, shards.collectEntries { well -> [well.shard, [well[unit], sizes[well[unit]]]] }]
    }
}

/** [shards, files, …] of each unit from [shard, files, …], in the order of ids, as soon as it is complete. */
def gathered(of_shards, units, unit) {
    return of_shards
        .combine(units)
        .map { found ->
            def (name, size) = found[-1][unit][found[0].id]
            [groupKey(name, size), found[0..-2]]
        }
        .groupTuple()
        .map { _name, found -> found.toSorted { each -> each[0].id }.transpose().collect { each -> each.flatten() } }
}

/** [[acquisition:, plate:], files, …] of each acquisition from [shard, files, …]. */
def byAcquisition(of_shards, units) {
    return gathered(of_shards, units, 'acquisition').map { found -> [found[0][0].subMap(['acquisition', 'plate'])] + found.drop(1) }
}

/** [well-timepoints, files] of those on which diameters are estimated, from [shard, files] of all. */
def diameterSample(of_shards, json) {
    def sample = json.map { path -> [wellTimepoints(path).findAll { well -> well.diameter_sample }*.id] }
    return of_shards
        .combine(sample)
        .map { shard, files, ids -> [shard.wells.findAll { well -> well.id in ids }, files.findAll { file -> file.name in ids }] }
        .filter { wells, _files -> wells }
        .toSortedList { a, b -> a[0][0].id <=> b[0][0].id }
        .map { found -> found.transpose().collect { each -> each.flatten() } }
}

/** [shard, files] of each shard from [shards, files] of a task; a file has the name of its well-timepoint. */
def byShard(of_tasks) {
    return of_tasks.flatMap { shards, files -> shards.collect { shard -> [shard, files.findAll { file -> file.name in shard.wells*.id }] } }
}

/** Diameters in px: given ones, else those that were estimated; 0 where there is neither. */
def diametersOf(estimated, options) {
    return [cells: options.diameter ?: estimated?.cells ?: 0, nuclei: options.nuclear_diameter ?: estimated?.nuclei ?: 0]
}
