// How many mappings of memory this process may still make (vm.max_map_count). Where none is left,
// malloc and the engine fail too, and end the process: emucxl stops before that.
#pragma once

#include "failure.h"

namespace emucxl {

// Whether emucxl may make a few more; a part of the limit is left to the others in the process, and
// to free(), which may need some as well.
bool mappings_left();

// To be told of what emucxl unmaps: a refusal holds for a while otherwise.
void note_unmapped();

// What to say where mappings_left() said no.
Failure too_many_mappings();

}  // namespace emucxl
