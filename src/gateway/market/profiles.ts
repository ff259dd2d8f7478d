import { BoundedMap } from '../../base/bounded-map.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { ReadingProfile } from '../../rules/index.ts'
import { globMatches } from '../../rules/language/glob.ts'
import type { ChannelProfile, MarketConfig } from '../config/market.ts'
import { formatPlace } from './places.ts'

export const MODES = ['off', 'observe', 'assist', 'auto'] as const
export type Mode = (typeof MODES)[number]

/** Settings of one place (rules 9.5). */
export interface Profile {
  readonly mode: Mode
  readonly reading: ReadingProfile
  readonly minAlert: number
  readonly minPublish: number
  readonly readBots: boolean
  readonly private: boolean
  /** Tags of rule files that hold here; undefined: all. */
  readonly rules: readonly string[] | undefined
  readonly timeZone: string
}

const MAX_PLACES = 20_000

/** Which profile holds where. New places are observed only: people are asked and alerted where somebody decided so. */
export class Profiles {
  readonly #config: MarketConfig
  readonly #modes: Map<string, Mode>
  #cache = new BoundedMap<string, Profile>({ max: MAX_PLACES })

  constructor(config: MarketConfig, modes: ReadonlyMap<string, string> = new Map()) {
    this.#config = config
    this.#modes = new Map([...modes].flatMap(([place, mode]) => (isMode(mode) ? [[place, mode] as const] : [])))
  }

  of(place: Place): Profile {
    const key = placeKey(place)
    const known = this.#cache.get(key, 0)
    if (known !== undefined) return known
    const channel = placeKey({ network: place.network, account: place.account, channel: place.channel })
    const profile = profileOf(this.#find(place), this.#modes.get(key) ?? this.#modes.get(channel), this.#config.timeZone)
    this.#cache.set(key, profile, 0)
    return profile
  }

  /** Key of a place's own mode in the database. */
  keyOf(place: Place): string {
    return placeKey(place)
  }

  /** An administrator's choice for one place; it stands above the configuration. */
  set(place: Place, mode: Mode): void {
    this.#modes.set(this.keyOf(place), mode)
    this.#cache = new BoundedMap({ max: MAX_PLACES })
  }

  /** The same by the key of the place, as it is stored. */
  setKey(place: string, mode: Mode): void {
    if (this.#modes.get(place) === mode) return
    this.#modes.set(place, mode)
    this.#cache = new BoundedMap({ max: MAX_PLACES })
  }

  #find(place: Place): ChannelProfile | undefined {
    const names = placeTexts(place)
    return this.#config.profiles.find((p) => p.places.some((glob) => names.some((name) => globMatches(glob, name))))
  }
}

export const isMode = (text: string): text is Mode => (MODES as readonly string[]).includes(text)

/** A place with its thread, and without. */
function placeTexts(place: Place): string[] {
  const { thread: _, ...channel } = place
  return place.thread === undefined ? [formatPlace(place)] : [formatPlace(place), formatPlace(channel)]
}

function profileOf(found: ChannelProfile | undefined, mode: Mode | undefined, timeZone: string): Profile {
  return {
    mode: mode ?? found?.mode ?? 'observe',
    reading: {
      language: found?.language,
      currency: found?.currency,
      topic: found?.topic,
      prior: found?.prior,
      timezone: found?.timeZone ?? timeZone,
      forwards: found?.forwards,
    },
    minAlert: found?.minConfidence.alert ?? 0.8,
    minPublish: found?.minConfidence.publish ?? 0.9,
    readBots: found?.bots === 'read',
    private: found?.private ?? false,
    rules: found?.rules,
    timeZone: found?.timeZone ?? timeZone,
  }
}
