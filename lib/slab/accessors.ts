// The functions that read and write structs. They are written out, with all offsets in them, and compiled
// by `new Function`, once for a struct: that makes them as fast as calls of DataView's methods by hand.
// Where the process may not compile text (--disallow-code-generation-from-strings), slower ones walk the
// fields.

import { outOfRange, wrongType } from '../memory/arguments.js'
import { ArrayType, type FieldType, NumberType, type ValueOf } from './field-types.js'
import type { Fields, StructType } from './struct.js'

/** By field, what reads it from a place that `At` names. */
export type Getters<F extends Fields, At extends unknown[]> = {
  readonly [K in keyof F]: Getter<F[K], At>
}

/** Reads a value; what reads its fields, or its elements (`at`), hangs on it. */
export type Getter<T, At extends unknown[]> = ((...at: At) => ValueOf<T>) &
  (T extends StructType<infer G>
    ? Getters<G, At>
    : T extends ArrayType<infer E>
      ? { readonly at: Getter<E, [...At, index: number]> }
      : unknown)

/** By field, what writes it. */
export type Setters<F extends Fields, At extends unknown[]> = {
  readonly [K in keyof F]: Setter<F[K], At>
}

/** Writes a value; what writes its fields, or its elements (`at`), hangs on it. */
export type Setter<T, At extends unknown[]> = ((...at: [...At, value: ValueOf<T>]) => void) &
  (T extends StructType<infer G>
    ? Setters<G, At>
    : T extends ArrayType<infer E>
      ? { readonly at: Setter<E, [...At, index: number]> }
      : unknown)

type AnyType = FieldType<unknown>
export type AnyNumber = NumberType<number | bigint>
/** What accessors have to know of a struct. */
export type AnyStruct = AnyType & Pick<StructType<Fields>, 'fields' | 'offsets'>

/** A place in memory that accessors take as arguments, as text and as a function. */
export interface Place {
  /** Names of the arguments. */
  parameters: readonly string[]
  /** Statements that leave a DataView in `view` and an offset in `offset`. */
  prelude: string
  /** What the statements mention, by name. */
  bound: Readonly<Record<string, unknown>>
  /** What is added to `offset`. */
  plus: string
  find: (at: readonly never[]) => readonly [view: DataView, offset: number]
}

/** A view and an offset, as they are. */
const GIVEN: Place = {
  parameters: ['view', 'offset'],
  prelude: '',
  bound: {},
  plus: '',
  find: ([view, offset]) => [view as unknown as DataView, offset as unknown as number],
}

function isStruct(type: AnyType): type is AnyStruct {
  return 'fields' in type
}

function checkIndex(index: unknown, length: number): asserts index is number {
  if (typeof index !== 'number') throw wrongType('index', 'a number', index)
  if (!(Number.isInteger(index) && index >= 0 && index < length)) {
    throw outOfRange('index', `a whole number from 0 to ${length - 1}`, index)
  }
}

function checkStruct(value: unknown, name: string): asserts value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) {
    throw wrongType(name, 'an object with the fields of the struct', value)
  }
}

type Part = [name: string, type: AnyType, place: Place]

/** The fields of a struct; of an array, its elements, by an index more. */
function parts(type: AnyType, place: Place): Part[] {
  if (isStruct(type)) {
    return Object.entries(type.fields).map(([name, field]) => {
      const offset = type.offsets[name] as number
      const find: Place['find'] = (at) => {
        const [view, base] = place.find(at)
        return [view, base + offset]
      }
      return [name, field, { ...place, plus: `${place.plus} + ${offset}`, find }]
    })
  }
  if (!(type instanceof ArrayType)) return []
  const { element, length } = type
  const index = `index${place.parameters.length}`
  const inner: Place = {
    parameters: [...place.parameters, index],
    prelude: `checkIndex(${index}, ${length}); ${place.prelude}`,
    bound: place.bound,
    plus: `${place.plus} + ${index} * ${element.size}`,
    find: (at) => {
      const last: unknown = at.at(-1)
      checkIndex(last, length)
      const [view, base] = place.find(at.slice(0, -1))
      return [view, base + last * element.size]
    },
  }
  return [['at', element, inner]]
}

/** Hangs functions on a function, in place also of what functions have anyway (`name`, `length`). */
function hang(on: object, functions: Readonly<Record<string, unknown>>): object {
  for (const [name, value] of Object.entries(functions)) {
    Object.defineProperty(on, name, { value, enumerable: true })
  }
  return on
}

function plus(at: string, offset: number): string {
  return offset === 0 ? at : `${at} + ${offset}`
}

/** What a value is called in errors: an expression, by the path of fields to it. */
type Naming = (path: string) => string

const AS_VALUE: Naming = (path) => JSON.stringify(`value${path}`)
const AS_NAMED: Naming = (path) => (path === '' ? 'name' : `name + ${JSON.stringify(path)}`)

/** What writes a value, in the order in which it has to run. */
interface Written {
  /** Statements that take the value into local variables, and check what is no number. */
  takes: string[]
  /** Whether the numbers among these can be stored, and what may have changed still can: expressions. */
  tests: string[]
  /** For each of these, a statement that throws. */
  refusals: string[]
  /** Statements that write the variables. */
  puts: string[]
  /** An expression for the value. */
  result: string
}

/** Numbers of a struct that are checked by one condition; of more, each by its own. */
const MOST_TESTS = 100

/** An expression for a number of bytes, and some more. */
interface At {
  base: string
  offset: number
}

/** Writes functions, and compiles them. Where `view` and `offset` come from is up to its user. */
export class Writer {
  readonly #names = ['hang', 'checkIndex', 'checkStruct']
  readonly #values: unknown[] = [hang, checkIndex, checkStruct]
  readonly #functions: string[] = []
  #locals = 0

  constructor(bound: Place['bound']) {
    this.#names.push(...Object.keys(bound))
    this.#values.push(...Object.values(bound))
  }

  /** How numbers are read and written at `offset` bytes, and a constant more. */
  protected load({ method }: AnyNumber, base: string, offset: number): string {
    return `view.get${method}(${plus(base, offset)}, true)`
  }

  protected store({ method }: AnyNumber, base: string, offset: number, value: string): string {
    return `view.set${method}(${plus(base, offset)}, ${value}, true);`
  }

  /** What is no number is read and written in a DataView. */
  protected place(base: string, offset: number): string {
    return `view, ${plus(base, offset)}`
  }

  compile(expression: string): unknown {
    const text = `'use strict'; ${this.#functions.join('\n')} return ${expression}`
    return new Function(...this.#names, text)(...this.#values)
  }

  /** A name for a value. */
  bind(value: unknown): string {
    const known = this.#values.indexOf(value)
    if (known >= 0) return this.#names[known] as string
    const name = `bound${this.#names.length}`
    this.#names.push(name)
    this.#values.push(value)
    return name
  }

  /** An expression for the value at `base`, an expression, and some bytes more. */
  read(type: AnyType, base: string, offset = 0): string {
    if (type instanceof NumberType) return this.load(type, base, offset)
    if (!isStruct(type)) return `${this.bind(type)}.load(${this.place(base, offset)})`
    const fields = Object.entries(type.fields).map(([name, field]) => {
      const at = offset + (type.offsets[name] as number)
      return `${JSON.stringify(name)}: ${this.read(field, base, at)}`
    })
    return `({ ${fields.join(', ')} })`
  }

  /**
   * Statements that check a value, those that write it, and an expression for what was checked. Each
   * property is read once, and no code of the value's own runs after the checks. The text is short on the
   * way that is taken: V8 inlines functions by the length of their code.
   */
  write(
    type: AnyType,
    base: string,
    value: string,
    naming = AS_VALUE,
  ): { checks: string; put: string; result: string } {
    const first = this.#locals
    const { takes, tests, refusals, puts, result } = this.#write(
      type,
      { base, offset: 0 },
      value,
      naming,
      '',
    )
    const checks = [...takes]
    if (tests.length > MOST_TESTS) {
      checks.push(...tests.map((test, i) => `if (!(${test})) ${refusals[i]}`))
    } else if (tests.length > 0) {
      const refuse = `refuse${this.#functions.length}`
      const all = Array.from({ length: this.#locals - first }, (_, i) => `value${first + i}`)
      const locals = all.filter((local) => refusals.some((text) => text.includes(`(${local},`)))
      const passed = [...locals, ...(naming === AS_NAMED ? ['name'] : [])].join(', ')
      this.#functions.push(`const ${refuse} = (${passed}) => { ${refusals.join('\n')} };`)
      checks.push(`if (!(${tests.join(' && ')})) ${refuse}(${passed});`)
    }
    return { checks: checks.join('\n'), put: puts.join('\n'), result }
  }

  #write(type: AnyType, at: At, value: string, naming: Naming, path: string): Written {
    const local = `value${this.#locals++}`
    const name = naming(path)
    if (type instanceof NumberType) {
      return {
        takes: [`const ${local} = ${value};`],
        tests: [type.test(local)],
        refusals: [`${this.bind(type)}.check(${local}, ${name});`],
        puts: [this.store(type, at.base, at.offset, local)],
        result: local,
      }
    }
    if (!isStruct(type)) {
      const again = type.mayChange // by code that the values of later fields run
      return {
        takes: [`const ${local} = ${this.bind(type)}.check(${value}, ${name});`],
        tests: again ? [`${this.bind(type)}.holds(${local})`] : [],
        refusals: again ? [`${this.bind(type)}.check(${local}, ${name});`] : [],
        puts: [`${this.bind(type)}.put(${this.place(at.base, at.offset)}, ${local});`],
        result: local,
      }
    }
    const takes = [
      `const ${local} = ${value};`,
      `if (typeof ${local} !== 'object' || ${local} === null) checkStruct(${local}, ${name});`,
    ]
    const fields = Object.entries(type.fields).map(([key, field]) => {
      const where = { ...at, offset: at.offset + (type.offsets[key] as number) }
      const read = `${local}[${JSON.stringify(key)}]`
      return { key, ...this.#write(field, where, read, naming, `${path}.${key}`) }
    })
    const results = fields.map(({ key, result }) => `${JSON.stringify(key)}: ${result}`)
    return {
      takes: [...takes, ...fields.flatMap((field) => field.takes)],
      tests: fields.flatMap(({ tests }) => tests),
      refusals: fields.flatMap(({ refusals }) => refusals),
      puts: fields.flatMap(({ puts }) => puts),
      result: `({ ${results.join(', ')} })`,
    }
  }

  getter(type: AnyType, { parameters, prelude, plus }: Place): string {
    return `(${parameters}) => { ${prelude} return ${this.read(type, `offset${plus}`)} }`
  }

  setter(type: AnyType, { parameters, prelude, plus }: Place): string {
    const { checks, put } = this.write(type, `offset${plus}`, 'value')
    return `(${[...parameters, 'value']}) => { ${checks}\n${prelude}\n${put} }`
  }

  check(type: AnyType): string {
    const { checks, result } = this.write(type, '0', 'value', AS_NAMED)
    return `(value, name) => { ${checks}\nreturn ${result} }`
  }

  /** A function for a type, with those for its parts on it. */
  tree(make: 'getter' | 'setter', [, type, place]: Part): string {
    const own = this[make](type, place)
    const inner = parts(type, place)
    return inner.length === 0 ? own : `hang(${own}, ${this.object(make, inner)})`
  }

  object(make: 'getter' | 'setter', all: readonly Part[]): string {
    const functions = all.map((part) => `${JSON.stringify(part[0])}: ${this.tree(make, part)}`)
    return `({ ${functions.join(',\n')} })`
  }
}

/** What reads and writes structs at places. */
export interface Accessors {
  get: object
  set: object
  load: (...at: never[]) => unknown
  store: (...at: never[]) => void
  check: (value: unknown, name: string) => unknown
}

type Walk = (...args: never[]) => unknown

/** The same as a {@link Writer} does, without compiling text. */
const walking = {
  getter(type: AnyType, place: Place): Walk {
    return (...at) => type.load(...place.find(at))
  },

  setter(type: AnyType, place: Place): Walk {
    return (...args) => {
      const value = type.check(args.at(-1), 'value')
      const [view, offset] = place.find(args.slice(0, -1))
      type.put(view, offset, value)
    }
  },

  tree(make: 'getter' | 'setter', [, type, place]: Part): object {
    const own = this[make](type, place)
    return hang(own, this.object(make, parts(type, place)))
  },

  object(make: 'getter' | 'setter', all: readonly Part[]): Record<string, unknown> {
    return Object.fromEntries(all.map((part) => [part[0], this.tree(make, part)]))
  },
}

function walk(type: AnyStruct, place: Place): Accessors {
  const fields = parts(type, place)
  const check = (value: unknown, name: string): Record<string, unknown> => {
    checkStruct(value, name)
    const checked = Object.entries(type.fields).map(
      ([key, field]) => [key, field, field.check(value[key], `${name}.${key}`)] as const,
    )
    for (const [key, field, each] of checked) {
      if (!field.holds(each)) field.check(each, `${name}.${key}`)
    }
    return Object.fromEntries(checked.map(([key, , each]) => [key, each]))
  }
  return {
    get: walking.object('getter', fields),
    set: walking.object('setter', fields),
    load: (...at) => {
      const [view, offset] = place.find(at)
      return Object.fromEntries(
        Object.entries(type.fields).map(([key, field]) => [
          key,
          field.load(view, offset + (type.offsets[key] as number)),
        ]),
      )
    },
    store: (...args) => {
      const value = check(args.at(-1), 'value')
      const [view, offset] = place.find(args.slice(0, -1))
      for (const [key, field] of Object.entries(type.fields)) {
        field.put(view, offset + (type.offsets[key] as number), value[key])
      }
    },
    check,
  }
}

/** Whether text may be compiled here. */
export function mayCompile(): boolean {
  try {
    new Function('')
    return true
  } catch {
    return false
  }
}

/** Functions for a struct that lies at a place. */
export function accessors(struct: AnyStruct, place: Place = GIVEN): Accessors {
  if (!mayCompile()) return walk(struct, place)
  const writer = new Writer(place.bound)
  const fields = parts(struct, place)
  const functions = {
    get: writer.object('getter', fields),
    set: writer.object('setter', fields),
    load: writer.getter(struct, place),
    store: writer.setter(struct, place),
    check: writer.check(struct),
  }
  const text = Object.entries(functions).map(([name, each]) => `${name}: ${each}`)
  return writer.compile(`{ ${text.join(',\n')} }`) as Accessors
}
