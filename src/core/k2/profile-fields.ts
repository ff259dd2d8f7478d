import type { Hash } from '../ids.ts'

/** Names of the profile's images on the wire; `logo` is the dark one. */
export const PROFILE_IMAGES = {
  avatar: 'profile:avatar',
  'logo-dark': 'profile:logo',
  'logo-light': 'profile:logo_light',
} as const
export type ProfileImage = keyof typeof PROFILE_IMAGES

export const PROFILE_TEXTS = { name: 'profile:name', intro: 'profile:intro', description: 'profile:description' } as const
export type ProfileText = keyof typeof PROFILE_TEXTS

/** How the owner of a node presents it (k2-application 5.4). K2 sends it to nobody. */
export interface Profile {
  readonly texts: Readonly<Partial<Record<ProfileText, string>>>
  readonly images: Readonly<Partial<Record<ProfileImage, Hash>>>
}
