// The layout of structs against a C compiler: sizes, offsets, and what C reads of what was written here.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { anyStruct, type StructSample } from './random-structs.js'

const STRUCTS = 200

const HEAD = `#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *hex(const void *bytes, size_t length)
{
	static char text[64];

	for (size_t i = 0; i < length; i++)
		sprintf(text + 2 * i, "%02x", ((const unsigned char *)bytes)[i]);
	return text;
}

static const char *bits(double value)
{
	static char text[32];
	uint64_t bits;

	memcpy(&bits, &value, 8);
	sprintf(text, value != value ? "nan" : "%llx", (unsigned long long)bits);
	return text;
}
`

/** A function that prints the layout of a struct, and the fields of one that it reads. */
function reader({ declare, print, fields }: StructSample, number: number): string {
  const offsets = fields.map(([name]) => `\tprintf("%zu\\n", offsetof(struct_${number}, ${name}));`)
  const values = print('it').map(({ format, value }) => `\tprintf("${format}\\n", ${value});`)
  return `
typedef ${declare(`struct_${number}`)};

static int read_${number}(void)
{
	struct_${number} it;

	printf("%zu\\n%zu\\n", sizeof(it), _Alignof(struct_${number}));
${offsets.join('\n')}
	if (fread(&it, sizeof(it), 1, stdin) != 1)
		return 1;
${values.join('\n')}
	return 0;
}
`
}

const folder = mkdtempSync(join(tmpdir(), 'emucxl-layout-'))
afterAll(() => rmSync(folder, { recursive: true }))

test(`${STRUCTS} random structs lie in memory as a C compiler has them`, () => {
  const seed = Number(process.env['EMUCXL_SEED'] ?? Date.now() % 2 ** 31)
  const samples = fc.sample(anyStruct, { numRuns: STRUCTS, seed })
  const wanted: string[] = []
  const memory = samples.map((sample, i) => {
    const { type, fields, values, lines } = sample
    const [value] = fc.sample(values, { numRuns: 1, seed: seed + i })
    const view = new DataView(new ArrayBuffer(type.size))
    type.store(view, 0, value as never)
    expect(Object.keys(type.offsets)).toEqual(fields.map(([name]) => name))
    wanted.push(`${type.size}`, `${type.align}`, ...Object.values(type.offsets).map(String))
    wanted.push(...lines(value as never))
    return Buffer.from(view.buffer)
  })
  const calls = samples.map((_, i) => `read_${i}()`)
  const main = `\nint main(void)\n{\n\treturn ${calls.join(' ||\n\t       ')};\n}\n`
  const source = join(folder, 'layout.c')
  writeFileSync(source, HEAD + samples.map(reader).join('') + main)
  const compiler = spawnSync('cc', ['-std=c11', '-Wall', '-Werror', '-o', 'layout', source], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(compiler.stderr, `EMUCXL_SEED=${seed}`).toBe('')
  const program = spawnSync(join(folder, 'layout'), {
    input: Buffer.concat(memory),
    encoding: 'utf8',
  })
  expect(program.status).toBe(0)
  expect(program.stdout.trimEnd().split('\n'), `EMUCXL_SEED=${seed}`).toEqual(wanted)
})
