import { K2Error } from '../../base/errors.ts'
import type { Interaction } from '../../bridges/interaction.ts'
import type { Author } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { Role } from './definition.ts'
import { mayUse } from './registry.ts'

/** What the database knows about people. Keys are author keys such as `discord:123`. */
export interface AccessStore {
  /** The person behind an account: the key of the account they linked first; the account itself when it is not linked. */
  personOf(account: string): Promise<string>
  /** Every account of a person, at least their own key. */
  accountsOf(person: string): Promise<readonly string[]>
  /** Joins two accounts, and everybody linked to them, into one person; answers that person. */
  link(account: string, other: string, now: number): Promise<string>
  /** False when it was not linked. */
  unlink(account: string): Promise<boolean>
  grants(): Promise<readonly Grant[]>
  /** The highest role granted to any of these accounts. */
  granted(accounts: readonly string[]): Promise<Grant['role'] | undefined>
  grant(grant: Grant): Promise<void>
  /** False when there was no such grant. */
  revoke(account: string, role: Grant['role']): Promise<boolean>
}

export interface Grant {
  readonly account: string
  readonly role: 'trader' | 'moderator' | 'admin'
  readonly by: string
  /** ms */
  readonly at: number
}

export interface AccessSettings {
  /** Author keys, and `discord-role:<id>`. */
  readonly admins: readonly string[]
  /** As `admins`. */
  readonly moderators: readonly string[]
  /** Administrators and moderators of a bridged Discord server or Telegram group are that of the gateway, too. */
  readonly platformAdmins: boolean
  /** Who may trade: everybody, or only people who linked accounts or were granted it. */
  readonly traders: 'everyone' | 'linked'
}

export interface Standing {
  readonly actor: Pick<Author, 'key' | 'displayName'>
  readonly role: Role
}

type Asking = Pick<Interaction, 'actor' | 'at' | 'platformAdmin' | 'platformModerator' | 'network'>

/** Decides who may do what (k2-application 4.2, bridging 18). */
export class Access {
  readonly #store: AccessStore
  readonly #settings: () => AccessSettings
  readonly #isBridged: (place: Place) => boolean
  readonly #isBanned: (account: string) => boolean

  constructor(
    store: AccessStore,
    settings: () => AccessSettings,
    isBridged: (place: Place) => boolean,
    isBanned: (account: string) => boolean = () => false,
  ) {
    this.#store = store
    this.#settings = settings
    this.#isBridged = isBridged
    this.#isBanned = isBanned
  }

  /** Throws `COMMAND_BANNED`: whoever is not heard may not command either, administrators excepted. */
  async standingOf(interaction: Asking): Promise<Standing> {
    const { actor } = interaction
    const person = await this.#store.personOf(actor.key)
    const accounts = await this.#store.accountsOf(person)
    const role = await this.#roleOf(interaction, accounts)
    if (role !== 'admin' && [actor.key, ...accounts].some((account) => this.#isBanned(account))) {
      throw new K2Error({ code: 'COMMAND_BANNED', kind: 'denied', message: 'you are banned here: ask a moderator' })
    }
    return { actor: { key: person, displayName: actor.displayName }, role }
  }

  /** The rights of an account by name or grant; what platforms think of it is not known here. */
  async roleOfAccount(account: string): Promise<Role> {
    const accounts = await this.#store.accountsOf(await this.#store.personOf(account))
    return this.#named([account, ...accounts]) ?? (await this.#store.granted(accounts)) ?? 'everyone'
  }

  /** Throws `COMMAND_DENIED` with what to do. */
  require(have: Role, need: Role): void {
    if (mayUse(have, need)) return
    const message =
      need === 'admin'
        ? 'only administrators may do this: ask one, or let one grant it with "access admin"'
        : need === 'moderator'
          ? 'only moderators may do this: ask one, or let an administrator grant it with "access moderator"'
          : 'only traders may do this: link your accounts with "link", or ask an administrator for "access trader"'
    throw new K2Error({ code: 'COMMAND_DENIED', kind: 'denied', message })
  }

  #named(keys: readonly string[]): Role | undefined {
    const { admins, moderators } = this.#settings()
    if (keys.some((key) => admins.includes(key))) return 'admin'
    return keys.some((key) => moderators.includes(key)) ? 'moderator' : undefined
  }

  async #roleOf(interaction: Asking, accounts: readonly string[]): Promise<Role> {
    const { platformAdmins, traders } = this.#settings()
    const { actor, at, platformAdmin, platformModerator, network } = interaction
    const roles = network === 'discord' ? (actor.roles ?? []).map((r) => `discord-role:${r}`) : []
    const named = this.#named([...accounts, actor.key, ...roles])
    if (named === 'admin') return 'admin'
    // Anybody can invite a bot into a server of their own: only places of routes count.
    const isBridged = platformAdmins && (platformAdmin || platformModerator === true) && this.#isBridged(at)
    if (isBridged && platformAdmin) return 'admin'
    const granted = await this.#store.granted([...new Set([...accounts, actor.key])])
    if (granted === 'admin') return 'admin'
    if (granted === 'moderator' || named === 'moderator' || isBridged) return 'moderator'
    return granted === 'trader' || traders === 'everyone' || accounts.length > 1 ? 'trader' : 'everyone'
  }
}
