import { z } from 'zod'
import { tokenize } from '../text/tokens.ts'

const point = z.tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)])
const names = z.array(z.string().min(1).max(60)).max(40).default([])
const country = z.string().regex(/^[A-Z]{2}$/u)

export const gazetteerSchema = z
  .object({
    version: z.number().int().min(1),
    cities: z
      .array(
        z
          .object({
            name: z.string().min(1).max(60),
            country,
            region: z
              .string()
              .regex(/^[A-Z]{2}-[A-Z]{2,3}$/u)
              .optional(),
            at: point,
            names,
            /** Names that are ordinary words too: they count only behind a place word. */
            marked: names,
          })
          .strict(),
      )
      .max(10_000),
    countries: z
      .array(z.object({ code: country, at: point, names }).strict())
      .max(300)
      .default([]),
    regions: z
      .array(z.object({ code: z.string().regex(/^[A-Z]{2}-[A-Z]{2,3}$/u), names }).strict())
      .max(1000)
      .default([]),
  })
  .strict()

export type GazetteerFile = z.output<typeof gazetteerSchema>

/** A known place; degrees, null for regions without a point. */
export interface KnownPlace {
  readonly country: string
  readonly region: string | null
  readonly city: string | null
  readonly lat: number | null
  readonly lon: number | null
}

/** Places by name. */
export interface Gazetteer {
  readonly version: number
  /** By `placeKey` of a name or code. */
  readonly places: ReadonlyMap<string, KnownPlace>
  /** Names that are places wherever they stand. */
  readonly plain: readonly string[]
}

export const EMPTY_GAZETTEER: Gazetteer = { version: 0, places: new Map(), plain: [] }

/** One spelling for a name: lower case, without marks, words apart. */
export function placeKey(name: string): string {
  return tokenize(name)
    .map((t) => t.fold)
    .join(' ')
}

export function compileGazetteer(file: GazetteerFile): Gazetteer {
  const places = new Map<string, KnownPlace>()
  const plain: string[] = []
  const put = (name: string, place: KnownPlace): void => {
    const key = placeKey(name)
    if (!places.has(key)) places.set(key, place)
  }
  for (const c of file.cities) {
    const place = { country: c.country, region: c.region ?? null, city: c.name, lat: c.at[0], lon: c.at[1] }
    for (const name of [c.name, ...c.names]) {
      put(name, place)
      if (!c.marked.includes(name)) plain.push(name)
    }
    for (const name of c.marked) put(name, place)
  }
  for (const c of file.countries) {
    const place = { country: c.code, region: null, city: null, lat: c.at[0], lon: c.at[1] }
    put(c.code, place)
    for (const name of c.names) {
      put(name, place)
      if (name.length >= 4) plain.push(name)
    }
  }
  for (const r of file.regions) {
    const place = { country: r.code.slice(0, 2), region: r.code, city: null, lat: null, lon: null }
    put(r.code, place)
    for (const name of r.names) {
      put(name, place)
      plain.push(name)
    }
  }
  return { version: file.version, places, plain }
}
