/** A latin1 text that was put together from pieces, as one piece. V8 keeps a tree of the pieces, which takes three times the memory and is walked each time the text is written. */
export function toFlat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
