import type { Attachment, Author } from './model/message.ts'
import type { NativeRef, Network, Place } from './model/place.ts'
import type { RichText } from './model/rich-text.ts'

/** How a command's argument is asked for on every surface (Discord option, Telegram text, command line, HTTP). */
export interface ArgumentSpec {
  /** 1 to 32 of a-z, 0-9, '-'. */
  readonly name: string
  readonly summary: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'attachment'
  readonly required: boolean
  /** Closed list, at most 25. */
  readonly choices?: readonly { readonly name: string; readonly value: string | number }[]
  /** Values are suggested while a person types. */
  readonly suggests?: boolean
  /** Takes the rest of a line where arguments are given as text; only the last one. */
  readonly rest?: boolean
}

/** A command as bridges need to know it: enough to register it on a platform and to read its arguments. */
export interface CommandSpec {
  /** `['file', 'get']`: at most group + command, each 1 to 32 of a-z and '-'. */
  readonly path: readonly [string] | readonly [string, string]
  /** Telegram's name, 1 to 32 of a-z, 0-9, '_', such as `k2_get`. */
  readonly telegram: string
  readonly summary: string
  readonly arguments: readonly ArgumentSpec[]
  /** Shown only to administrators and moderators where a platform can hide commands; checked again by the gateway. */
  readonly adminOnly: boolean
  /** Not in menus with bounded room. */
  readonly unlisted?: true
  /** Answers are usually shown to the asking person alone: for platforms that must decide before the answer is there. */
  readonly private: boolean
}

/** Names of the slash commands on Discord and the page: everybody's, and administrators' (Discord hides only whole commands). */
export const DISCORD_ROOT = 'k2'
export const DISCORD_ADMIN_ROOT = 'k2-admin'

export type ArgumentValue = string | number | boolean | Attachment

/** A button. `id` is opaque to bridges: at most 64 printable ASCII bytes, the bound of Telegram's callback data. */
export type Action =
  | { readonly id: string; readonly label: string; readonly style?: 'primary' | 'secondary' | 'success' | 'danger' }
  | { readonly url: string; readonly label: string }

/** One file to upload. `open` may be called again for a second attempt. */
export interface OutFile {
  readonly name: string
  readonly mime: string
  /** Bytes. */
  readonly size: number
  open(signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** How far something is, for surfaces that can draw it. */
export interface Meter {
  readonly label: string
  /** 0 to `total`. */
  readonly done: number
  readonly total: number
  /** The same in words. */
  readonly text: string
}

/** Something the gateway itself says to people: an answer, a card, an alert. */
export interface Notice {
  readonly title?: string
  readonly rich: RichText
  /** At most 5 rows of 5; platforms with smaller rows break them. */
  readonly actions?: readonly (readonly Action[])[]
  readonly files?: readonly OutFile[]
  /** Left out where nothing can be drawn: `rich` says the same. */
  readonly meters?: readonly Meter[]
}

/** A dialogue: a modal on Discord, questions one after the other on Telegram, a form on the page. */
export interface Form {
  /** Comes back with the values; bound as for `Action.id`. */
  readonly id: string
  readonly title: string
  /** At most 5. */
  readonly fields: readonly {
    readonly name: string
    readonly label: string
    readonly value?: string
    readonly placeholder?: string
    readonly required: boolean
    readonly multiline?: boolean
    readonly maxLength?: number
  }[]
}

export type InteractionInput =
  | { readonly kind: 'command'; readonly path: readonly string[]; readonly args: Readonly<Record<string, ArgumentValue>> }
  /** A pressed button and the message it sits under. */
  | { readonly kind: 'action'; readonly id: string; readonly message: NativeRef }
  | { readonly kind: 'form'; readonly id: string; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'suggest'; readonly path: readonly string[]; readonly argument: string; readonly typed: string }

/**
 * Answers to one interaction. The bridge keeps the platform's deadlines by itself (Discord wants a sign within 3 s): it defers
 * when nothing was answered in time. Methods reject K2Error when the platform refuses; an interaction that has become too old
 * is answered by a message in its place where that is possible.
 */
export interface Responder {
  /**
   * First answer; a second call posts one more message. `private` hides it from others where the platform can; `secret` must
   * not be seen by others: where nothing can be hidden in place it goes to the direct conversation, or is not said.
   */
  reply(notice: Notice, options?: { readonly private?: boolean; readonly secret?: boolean }): Promise<void>
  /** Replaces what `reply` said last, or, for actions without a reply, the message that carries the button. For progress. */
  update(notice: Notice): Promise<void>
  /** Only as the first answer. */
  form(form: Form): Promise<void>
  /** Only for `suggest`; at most 25. */
  suggest(values: readonly { readonly name: string; readonly value: string }[]): Promise<void>
}

/** Something a person asked of the gateway itself, not a message to be bridged. */
export interface Interaction {
  /** Unique per platform: an interaction that comes twice is handled once. */
  readonly id: string
  readonly network: Network
  readonly account: string
  readonly at: Place
  readonly actor: Author
  /** The platform says that the actor administrates this place. */
  readonly platformAdmin: boolean
  /** The platform says that the actor may remove messages of others here. */
  readonly platformModerator?: boolean
  /** True in a direct conversation with the bot. */
  readonly direct: boolean
  /** BCP 47, when the platform tells. */
  readonly locale?: string
  /** The message a command was given as a reply to. */
  readonly replyTo?: NativeRef
  readonly input: InteractionInput
  readonly answer: Responder
}

/** Takes interactions of one account. Never rejects: errors become answers. */
export type InteractionHandler = (interaction: Interaction) => Promise<void>

export type NoticeTarget =
  | { readonly kind: 'place'; readonly place: Place; readonly replyTo?: NativeRef }
  /** A direct conversation with a person by `Author.key`; may be impossible until they write first. */
  | { readonly kind: 'person'; readonly authorKey: string }

/** Implemented by bridges whose platform can carry it. */
export interface InteractiveBridge {
  /**
   * Makes commands known to the platform and feeds the handler from now on; called once, before `start`. `welcome` is said
   * when the account is added to a server or group, where the platform tells.
   */
  interactions(commands: readonly CommandSpec[], handler: InteractionHandler, welcome?: Notice): void
  /** Rejects K2Error: kind `unavailable` or `rate-limited` may be tried again, `denied` never (a person who blocked the bot). */
  post(target: NoticeTarget, notice: Notice, signal: AbortSignal): Promise<NativeRef>
  /** Changes a notice; resolves false when it is gone. */
  repost(ref: NativeRef, notice: Notice, signal: AbortSignal): Promise<boolean>
  /** Removes a notice; resolves also when it is gone. */
  retract(ref: NativeRef, signal: AbortSignal): Promise<void>
}
