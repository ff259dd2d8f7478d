import { z } from 'zod'
import { printPlace } from './places.ts'
import { type RouteConfig, routeSchema } from './schema.ts'

/** A route as the file writes it. */
export type RouteText = z.input<typeof routeSchema>

/** The text a route could have been read from. */
export function printRoute(route: RouteConfig): RouteText {
  const { members, maxAge, files, moderation, ...rest } = route
  const bytes = (n: number | undefined): string | undefined => (n === undefined ? undefined : `${n}B`)
  return withoutUndefined({
    ...rest,
    maxAge: `${maxAge}ms`,
    members: members.map(({ place, ...member }) => withoutUndefined({ place: printPlace(place), ...member })),
    ...(moderation && {
      moderation: withoutUndefined({ ...moderation, slow: moderation.slow === undefined ? undefined : `${moderation.slow}ms` }),
    }),
    ...(files && { files: withoutUndefined({ ...files, maxSize: bytes(files.maxSize) }) }),
  }) as RouteText
}

/** Reads what `printRoute` wrote, of this or an earlier version. Answers a text saying what is wrong otherwise. */
export function readRoute(value: unknown): RouteConfig | string {
  const parsed = routeSchema.safeParse(value)
  return parsed.success ? parsed.data : z.prettifyError(parsed.error)
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
}
