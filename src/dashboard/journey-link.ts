/** Where the page of an event is. Pure. */

/** `topic:partition:offset`, with slashes too: a place, where an id is expected. */
export function placeIn(text: string): string | null {
  const match = /^([a-zA-Z0-9._-]{1,249})[/:](\d{1,9})[/:](\d{1,15})$/.exec(text.trim());
  return match === null ? null : `${match[1]}:${match[2]}:${match[3]}`;
}

/** A page of an event, with the place of a record of it, so that it need not be looked for. */
export function journeyLink(id: string | null, place: string): string {
  return id === null || placeIn(id) !== null
    ? `/journey/${encodeURIComponent(place)}`
    : `/journey/${encodeURIComponent(id)}?at=${encodeURIComponent(place)}`;
}
