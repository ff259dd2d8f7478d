interface Bounds {
  readonly min: string | null
  readonly max: string | null
  readonly currency: string | null
}

/** `475 USD`, `400–500 EUR`, `up to 90`, `no price`. */
export function priceText(price: Bounds | null): string {
  if (price === null || (price.min === null && price.max === null)) return 'no price'
  const { min, max } = price
  const amount = min === null ? `up to ${max}` : max === null ? `from ${min}` : min === max ? min : `${min}–${max}`
  return price.currency === null ? amount : `${amount} ${price.currency}`
}
