/** The same answer for the same id, in every process. Ids are UUIDs: their last digits are as good as random. */
export function isChosen(eventId: string, share: number): boolean {
  return share > 0 && Number.parseInt(eventId.slice(-6), 16) < share * 0x1_00_00_00;
}
