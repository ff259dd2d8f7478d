import { errorMessage, K2Error } from '../../base/errors.ts'
import { resolve, roomsOf, routesOf } from '../config/routes.ts'
import type { Config, RouteConfig } from '../config/schema.ts'
import { compileRoutes, type RouteDefinition } from '../pipeline/index.ts'
import { pairRoutes, type ThreadPair } from '../threads/pairs.ts'
import { type MovedChats, movedKey, movedPlace, movedRoutes } from './moved.ts'

/** What a command made of a route: its text as the configuration would write it, or that it is gone. */
export type RouteChoice = RouteConfig | 'removed'

export interface RouteBookInit {
  readonly config: Config
  /** Choices of earlier runs, by route. */
  readonly choices: ReadonlyMap<string, RouteChoice>
  /** Routes of direct conversations that are open. */
  readonly direct: readonly RouteDefinition[]
  /** Threads that routes made for each other. */
  readonly pairs?: readonly ThreadPair[]
  readonly moved: MovedChats
}

/** Takes routes and rules into use, or throws and changes nothing. */
export type ApplyRoutes = (routes: readonly RouteDefinition[], config: Config) => void

/**
 * The routes in use (bridging 18): those of the file, changed by commands, and those of direct conversations. Every change is
 * checked as a whole before anything of it counts.
 */
export class RouteBook {
  #config: Config
  #choices: ReadonlyMap<string, RouteChoice>
  #direct: readonly RouteDefinition[]
  #pairs: readonly ThreadPair[]
  #moved: MovedChats
  #routes: readonly RouteDefinition[] = []
  #rooms: readonly string[] = []
  #problems: readonly string[] = []
  #apply: ApplyRoutes = () => {}

  /** Throws `CONFIG_ROUTE` or `ROUTE_INVALID` for routes of the file. */
  constructor(init: RouteBookInit) {
    this.#config = init.config
    this.#choices = init.choices
    this.#direct = init.direct
    this.#pairs = init.pairs ?? []
    this.#moved = init.moved
    this.#change({})
  }

  get config(): Config {
    return this.#config
  }

  get choices(): ReadonlyMap<string, RouteChoice> {
    return this.#choices
  }

  get pairs(): readonly ThreadPair[] {
    return this.#pairs
  }

  /** Routes made by commands that the file no longer allows, each with the reason. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** The routes in use. The same list until something changes. */
  readonly routes = (): readonly RouteDefinition[] => this.#routes

  /** Rooms of the web chat. */
  readonly rooms = (): readonly string[] => this.#rooms

  /** Where changes go from now on. */
  attach(apply: ApplyRoutes): void {
    this.#apply = apply
  }

  /** Throws like the constructor, and then everything stays as it was. */
  useConfig(config: Config): void {
    this.#change({ config })
  }

  /** Throws `CONFIG_ROUTE` or `ROUTE_INVALID` when the new choice cannot be used; then everything stays as it was. */
  useChoice(id: string, choice: RouteChoice): void {
    const choices = new Map(this.#choices).set(id, choice)
    this.#change({ choices }, id)
  }

  useDirect(direct: readonly RouteDefinition[]): void {
    this.#change({ direct })
  }

  usePairs(pairs: readonly ThreadPair[]): void {
    this.#change({ pairs })
  }

  /** A Telegram group has another id from now on, also in routes whose text still has the old one. */
  useMove(account: string, from: string, to: string): void {
    this.#change({ moved: new Map(this.#moved).set(movedKey(account, from), to) })
  }

  #change(part: Partial<RouteBookInit>, strict?: string): void {
    const now = { config: this.#config, choices: this.#choices, direct: this.#direct, pairs: this.#pairs, moved: this.#moved }
    const next = { ...now, ...part }
    this.#commit(this.#merge(next, strict), next)
  }

  #commit(
    merged: { readonly routes: readonly RouteDefinition[]; readonly problems: readonly string[] },
    next: RouteBookInit,
  ): void {
    this.#apply(merged.routes, next.config)
    this.#routes = merged.routes
    this.#problems = merged.problems
    this.#config = next.config
    this.#choices = next.choices
    this.#direct = next.direct
    this.#pairs = next.pairs ?? []
    this.#moved = next.moved
    this.#rooms = roomsOf(merged.routes, next.config)
  }

  /** A choice that does not fit is left out and named, except `strict`, which throws. */
  #merge(
    { config, choices, direct, pairs = [], moved }: RouteBookInit,
    strict?: string,
  ): { readonly routes: readonly RouteDefinition[]; readonly problems: readonly string[] } {
    const file = routesOf(config).filter(
      (route) => choices.get(route.id) === undefined || !isUsable(choices.get(route.id), config),
    )
    let routes: readonly RouteDefinition[] = file
    const problems: string[] = []
    compileRoutes(routes)
    for (const [id, choice] of choices) {
      if (choice === 'removed') continue
      try {
        const account = missingAccount(choice, config)
        if (account !== undefined) throw noAccount(account)
        const wider = { node: { ...config.node, topics: [...config.node.topics, ...topicsOf(choice)] } }
        const added = [...routes, resolve(choice, wider)]
        compileRoutes(added)
        routes = added
      } catch (error) {
        if (id === strict) throw error
        problems.push(`route ${id}: ${errorMessage(error)}`)
      }
    }
    const usual = movedRoutes(direct.length === 0 ? routes : [...routes, ...direct], moved)
    if (pairs.length === 0) return { routes: usual, problems }
    const there = pairs.map((pair) => ({ ...pair, places: pair.places.map((place) => movedPlace(place, moved)) }))
    return { routes: [...usual, ...pairRoutes(usual, there)], problems }
  }
}

function isUsable(choice: RouteChoice | undefined, config: Config): boolean {
  return choice === 'removed' || (choice !== undefined && missingAccount(choice, config) === undefined)
}

/** Accounts come and go with the file. */
function missingAccount(route: RouteConfig, { accounts }: Config): string | undefined {
  for (const { place } of route.members) {
    const { network, account } = place
    if ((network === 'discord' || network === 'telegram') && accounts[network][account] === undefined)
      return `${network}.${account}`
  }
  return undefined
}

/** Topics a command joined count like those of the file. */
function topicsOf(route: RouteConfig): string[] {
  return route.members
    .map((m) => m.place)
    .filter((p) => p.network === 'p2p' && !p.channel.startsWith('dm:'))
    .map((p) => p.channel)
}

const noAccount = (account: string): K2Error =>
  new K2Error({
    code: 'CONFIG_ROUTE',
    kind: 'config',
    message: `there is no account ${account}: add it to the configuration file`,
  })
