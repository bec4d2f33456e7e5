// Random structs with values for them, and the same as text of C.

import {
  array,
  bigint64,
  biguint64,
  boolean,
  bytes,
  type FieldType,
  float32,
  float64,
  int8,
  int16,
  int32,
  ref,
  type StructType,
  struct,
  uint8,
  uint16,
  uint32,
  utf8,
} from 'emucxl'
import fc from 'fast-check'

/** A type, its declaration in C, and values that it can hold. */
export interface Sample<T = unknown> {
  type: FieldType<T>
  /** Declares a variable of this name. */
  declare: (name: string) => string
  /** Expressions of C for what a variable of this name holds, each as printf wants it. */
  print: (name: string) => { format: string; value: string }[]
  /** What such a line of printf says for a value. */
  lines: (value: never) => string[]
  values: fc.Arbitrary<T>
}

function plain<T>(
  type: FieldType<T>,
  c: string,
  values: fc.Arbitrary<T>,
  format: string,
  cast: string,
  text: (value: T) => string = String,
): Sample {
  return {
    type,
    declare: (name) => `${c} ${name}`,
    print: (name) => [{ format, value: `(${cast})${name}` }],
    lines: (value) => [text(value)],
    values,
  }
}

const integers = (least: number, most: number) => fc.integer({ min: least, max: most })
/** As it lies in memory: what a number is called differs between C and JavaScript. */
const bits = (value: number): string => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return Number.isNaN(value) ? 'nan' : view.getBigUint64(0).toString(16)
}

const PLAIN: Sample[] = [
  plain(int8, 'int8_t', integers(-128, 127), '%d', 'int'),
  plain(uint8, 'uint8_t', integers(0, 255), '%d', 'int'),
  plain(int16, 'int16_t', integers(-32768, 32767), '%d', 'int'),
  plain(uint16, 'uint16_t', integers(0, 65535), '%d', 'int'),
  plain(int32, 'int32_t', integers(-(2 ** 31), 2 ** 31 - 1), '%d', 'int'),
  plain(uint32, 'uint32_t', integers(0, 2 ** 32 - 1), '%u', 'unsigned'),
  plain(bigint64, 'int64_t', fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), '%lld', 'long long'),
  plain(biguint64, 'uint64_t', fc.bigInt(0n, 2n ** 64n - 1n), '%llu', 'unsigned long long'),
  plain(float32, 'float', fc.float(), '%s', '', bits),
  plain(float64, 'double', fc.double(), '%s', '', bits),
  plain(boolean, 'bool', fc.boolean(), '%d', 'int', (value) => (value ? '1' : '0')),
  plain(ref, 'double', fc.maxSafeNat(), '%.0f', 'double'),
].map((sample) =>
  sample.type === float32 || sample.type === float64
    ? { ...sample, print: (name) => [{ format: '%s', value: `bits(${name})` }] }
    : sample,
)

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')

const blob = fc.integer({ min: 1, max: 20 }).map((length): Sample => {
  return {
    type: bytes(length),
    declare: (name) => `uint8_t ${name}[${length}]`,
    print: (name) => [{ format: '%s', value: `hex(${name}, ${length})` }],
    lines: (value: Uint8Array) => [hex(value)],
    values: fc.uint8Array({ minLength: length, maxLength: length }),
  }
})

const text = fc.integer({ min: 1, max: 20 }).map((room): Sample => {
  return {
    type: utf8(room),
    declare: (name) => `char ${name}[${room}]`,
    print: (name) => [{ format: '%s', value: `hex(${name}, ${room})` }],
    lines: (value: string) => [hex(Buffer.from(value)).padEnd(2 * room, '0')],
    values: fc
      .string({ unit: 'binary', maxLength: room })
      .filter((value) => !value.includes('\0') && Buffer.byteLength(value) <= room),
  }
})

const list = (element: fc.Arbitrary<Sample>) =>
  fc.tuple(element, fc.integer({ min: 1, max: 4 })).map(([sample, length]): Sample => {
    const each = Array.from({ length }, (_, i) => i)
    return {
      type: array(sample.type, length),
      declare: (name) => sample.declare(`${name}[${length}]`),
      print: (name) => each.flatMap((i) => sample.print(`${name}[${i}]`)),
      lines: (values: never[]) => values.flatMap(sample.lines),
      values: fc.array(sample.values, { minLength: length, maxLength: length }),
    }
  })

/** Names that objects and functions have of themselves, too. */
const NAMES = [
  'name',
  'length',
  'value',
  'view',
  'offset',
  'at',
  'get',
  'call',
  'x',
  'y',
  'z',
  'id',
]

export interface StructSample extends Sample {
  type: StructType<Record<string, FieldType<unknown>>>
  fields: [name: string, sample: Sample][]
}

const structOf = (field: fc.Arbitrary<Sample>): fc.Arbitrary<StructSample> =>
  fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 10 }),
      fc.infiniteStream(field),
    )
    .map(([names, samples]): StructSample => {
      const fields = names.map((name): [string, Sample] => [name, samples.next().value as Sample])
      const declared = fields.map(([name, sample]) => `${sample.declare(name)};`).join(' ')
      return {
        fields,
        type: struct(Object.fromEntries(fields.map(([name, { type }]) => [name, type]))),
        declare: (name) => `struct { ${declared} } ${name}`,
        print: (name) => fields.flatMap(([key, sample]) => sample.print(`${name}.${key}`)),
        lines: (value: Record<string, never>) =>
          fields.flatMap(([key, sample]) => sample.lines(value[key] as never)),
        values: fc.record(Object.fromEntries(fields.map(([key, { values }]) => [key, values]))),
      }
    })

const leaf = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PLAIN) }, blob, text)
const inner = structOf(fc.oneof({ weight: 3, arbitrary: leaf }, list(leaf)))

/** Structs, with arrays and other structs in them. */
export const anyStruct: fc.Arbitrary<StructSample> = structOf(
  fc.oneof({ weight: 6, arbitrary: leaf }, list(leaf), inner, list(inner)),
)
