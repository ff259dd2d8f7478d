/** Routes of direct conversations (bridging 19) are made while the gateway runs; their ids tell them from configured ones. */
const PATTERN = /^direct-[a-z2-7]{12}$/

/** Route id of a direct conversation with this id: 12 characters of base32. */
export const directRouteId = (conversation: string): string => `direct-${conversation}`

export const isDirectRoute = (route: string): boolean => PATTERN.test(route)
