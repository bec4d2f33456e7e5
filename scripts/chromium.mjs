// Debian's Chromium, in which the tests look at the report.

/** What it needs, by file: the Debian package. */
export const chromiumPrograms = { '/usr/bin/chromium': 'chromium' }
