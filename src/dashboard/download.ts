/** Gives the reader a file that was made here. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // the browser has taken what it needs of it by then
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
