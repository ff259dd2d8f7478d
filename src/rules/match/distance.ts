const RADIUS_KM = 6_371
const RAD = Math.PI / 180

/** Great-circle distance in km between two points in degrees. */
export function distanceKm(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const a = Math.sin(((lat2 - lat1) * RAD) / 2)
  const b = Math.sin(((lon2 - lon1) * RAD) / 2)
  const h = a * a + Math.cos(lat1 * RAD) * Math.cos(lat2 * RAD) * b * b
  return 2 * RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)))
}
