import { z } from 'zod'
import { K2Error } from '../../base/errors.ts'
import type { MediaPort } from '../../bridges/media.ts'
import type { Profile, ProfileText } from '../../core/k2/profile-fields.ts'
import { attachment } from '../commands/arguments.ts'
import { type CommandDefinition, type CommandResult, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, fileOf, line, lines } from '../commands/notices.ts'
import { IMAGE_FIELDS, imageBytes, type ProfileDesk } from './profile.ts'

const TEXTS = ['name', 'intro', 'description'] as const satisfies readonly ProfileText[]
const LABELS: Readonly<Record<ProfileText, string>> = { name: 'Name', intro: 'Introduction', description: 'Description' }
const MAX_NAME = 200
const MAX_INTRO = 2_000
const MAX_DESCRIPTION = 4_000
const BOUNDS: Readonly<Record<ProfileText, number>> = { name: MAX_NAME, intro: MAX_INTRO, description: MAX_DESCRIPTION }
/** Pictures shown beside the texts. */
const SHOWN = ['avatar', 'logo-dark'] as const
const field = z.enum(IMAGE_FIELDS)
const FIELD = { summary: 'which of the images' }

export interface ProfileCommandParts {
  readonly profile: ProfileDesk
  readonly media: () => Pick<MediaPort, 'fetch'>
}

/** Commands of the node's profile (k2-application 4.2, rows 3 to 6). K2 itself sends it to nobody. */
export function profileCommands({ profile, media }: ProfileCommandParts): CommandDefinition[] {
  return [
    defineCommand({
      path: ['profile', 'show'],
      telegram: 'k2_profile',
      http: { method: 'GET', path: '/profile' },
      summary: 'how this gateway presents itself in K2',
      role: 'everyone',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const read = await profile.read()
        const files = []
        for (const name of SHOWN) {
          const picture = await profile.image(name).catch(() => undefined)
          if (picture !== undefined) files.push(fileOf(`${name}.${picture.extension}`, picture.mime, picture.bytes))
        }
        return { ...shown(read), notice: { title: 'Profile', rich: textOf(read), files } }
      },
    }),
    defineCommand({
      path: ['profile', 'set'],
      http: { method: 'PATCH', path: '/profile' },
      summary: 'change the texts of the profile',
      help: 'Without a text it asks for all of them. "clear" empties a text.',
      role: 'admin',
      arguments: z.object({
        name: z.string().max(MAX_NAME).optional(),
        intro: z.string().max(MAX_INTRO).optional(),
        description: z.string().max(MAX_DESCRIPTION).optional(),
        clear: z.enum(TEXTS).optional(),
      }),
      argumentHelp: {
        name: { summary: 'the new name' },
        intro: { summary: 'one line about it' },
        description: { summary: 'more about it' },
        clear: { summary: 'a text to empty' },
      },
      run: async (_context, { clear, ...texts }) => {
        if (clear === undefined && Object.keys(texts).length === 0) return formFor(await profile.read(), profile)
        return saved(await profile.setTexts({ ...(clear !== undefined && { [clear]: '' }), ...texts }))
      },
    }),
    defineCommand({
      path: ['profile', 'image'],
      telegram: 'k2_profile_picture',
      http: { method: 'GET', path: '/profile/images/:field' },
      summary: 'one of the profile’s images',
      role: 'everyone',
      // Telegram's menu holds 100 commands; the profile shows its pictures there.
      notOn: ['telegram', 'http'],
      arguments: z.object({ field }),
      argumentHelp: { field: FIELD },
      run: async (_context, args) => {
        const picture = await profile.image(args.field)
        if (picture === undefined) throw noImage(args.field)
        const { hash, mime, extension, bytes } = picture
        const data = { field: args.field, hash, mime, size: bytes.length }
        return answer(line(bold(args.field), `, ${bytes.length} bytes`), data, {
          files: [fileOf(`${args.field}.${extension}`, mime, bytes)],
        })
      },
    }),
    defineCommand({
      path: ['profile', 'image-set'],
      telegram: 'k2_profile_image',
      http: { method: 'PUT', path: '/profile/images/:field' },
      summary: 'replace one of the profile’s images',
      help: 'PNG, JPEG, GIF or WebP of at most 4 MiB.',
      role: 'admin',
      notOn: ['cli', 'http'],
      arguments: z.object({ field, image: attachment() }),
      argumentHelp: { field: FIELD, image: { summary: 'the new image' } },
      run: async (context, args) => {
        const file = await media().fetch(args.image, context.signal)
        const { hash } = await imageBytes(file.stream())
          .then((bytes) => profile.setImage(args.field, bytes))
          .finally(() => file.release())
        return answer(line('✅ ', bold(args.field), ' replaced.'), { field: args.field, hash })
      },
    }),
    defineCommand({
      path: ['profile', 'image-clear'],
      http: { method: 'DELETE', path: '/profile/images/:field' },
      summary: 'remove one of the profile’s images',
      role: 'admin',
      notOn: ['telegram'],
      confirm: (args) => `Remove the image "${args.field}" from the profile?`,
      arguments: z.object({ field }),
      argumentHelp: { field: FIELD },
      data: z.object({ removed: z.boolean() }),
      run: async (_context, args) => {
        const removed = await profile.clearImage(args.field)
        return answer(removed ? 'Removed.' : 'There was none.', { removed })
      },
    }),
  ]
}

export const noImage = (name: string): K2Error =>
  new K2Error({ code: 'PROFILE_NO_IMAGE', kind: 'input', message: `the profile has no image "${name}"` })

type Answer = Extract<CommandResult, { kind: 'answer' }>

/** As the reference names the members (k2-application 4.1, command 3). */
function shown({ texts, images }: Profile): Answer {
  const data = {
    name: texts.name ?? null,
    intro: texts.intro ?? null,
    description: texts.description ?? null,
    avatar_hash: images.avatar ?? null,
    logo_hash: images['logo-dark'] ?? null,
    logo_light_hash: images['logo-light'] ?? null,
  }
  return { kind: 'answer', notice: { title: 'Profile', rich: textOf({ texts, images }) }, data }
}

function saved(profile: Profile): Answer {
  const { data } = shown(profile)
  return { kind: 'answer', notice: { title: 'Profile', rich: lines('✅ Saved.', '', textOf(profile)) }, data }
}

function textOf({ texts, images }: Profile) {
  const parts = [
    ...TEXTS.map((name) => (texts[name] === undefined ? undefined : line(bold(LABELS[name]), ': ', texts[name]))),
    ...IMAGE_FIELDS.map((name) =>
      images[name] === undefined ? undefined : line(bold(name), ' ', code(images[name].slice(0, 12))),
    ),
  ]
  return lines(...(parts.every((part) => part === undefined) ? ['The profile is empty.'] : parts))
}

function formFor({ texts }: Profile, profile: ProfileDesk): CommandResult {
  return {
    kind: 'form',
    form: {
      title: 'Profile',
      fields: TEXTS.map((name) => ({
        name,
        label: LABELS[name],
        ...(texts[name] !== undefined && { value: texts[name].slice(0, BOUNDS[name]) }),
        required: false,
        multiline: name === 'description',
        maxLength: BOUNDS[name],
      })),
    },
    submit: async (_context, values) => {
      const given = TEXTS.filter((name) => values[name] !== undefined).map((name) => [name, values[name] as string])
      return saved(await profile.setTexts(Object.fromEntries(given)))
    },
  }
}
