import type { Database } from './database.ts'
import type { Fenced } from './fenced.ts'
import { identitySlice, identitySlices, nextSlots, sliceCount, slicesFor, slotRanges } from './slices.ts'
import { electSlice, SLICE } from './statements/elect-winners.ts'
import { countWinners, END_OF_SLOTS, type Filled, filledSums, NOTE_FILLED } from './statements/filled-sums.ts'
import { COUNTED_TABLES, type CountedTable, makeNext, nextOf, swapNext } from './statements/rebuild-winners.ts'
import { SUM_SLOTS, SUMS_FORM, sumNextSlots } from './statements/sums.ts'
import { copyByTime, copyByTimeFenced, WINNERS_BY_TIME } from './statements/winners-by-time.ts'

/** Winners that are copied or summed in one statement while readers wait for no more than that. */
const FILLED_AT_ONCE = 250_000
/** And where readers are elsewhere meanwhile. */
const REBUILT_AT_ONCE = 500_000

/** Whether readers can use the winners by time, and their sums; else they sum the winners. */
export async function areSumsFilled(db: Pick<Database, 'query'>): Promise<boolean> {
  const [filled] = await db.query(filledSums)
  return filled !== undefined && isWhole(filled)
}

const isWhole = ({ form, summed_to }: Filled): boolean => form === SUMS_FORM && summed_to === END_OF_SLOTS

/** Makes the winners anew, all of them or what follows from them, in tables that nobody reads, and shows them at once. */
export interface Rebuilding {
  rebuildWinners(seq: number): Promise<void>
  rebuildSums(seq: number): Promise<void>
}

export function createRebuilding(db: Database, fenced: Fenced): Rebuilding {
  const { epoch, command, stillOurs } = fenced
  const rebuild = async (seq: number, tables: readonly CountedTable[]): Promise<void> => {
    for (const table of tables) for (const [name, sql] of makeNext(table, epoch)) await command(name, sql)
    if (tables.includes('winners'))
      for (const slice of identitySlices(await sliceCount(db)))
        await command('elect-slice', electSlice(nextOf('winners', epoch)), { seq, ...slice })
    await makeSums(db, fenced, seq, tables.includes('winners') ? nextOf('winners', epoch) : 'winners')
    await stillOurs()
    for (const table of tables) for (const [name, sql] of swapNext(table, epoch)) await command(name, sql)
    await noteFilled(fenced, seq, { slices: 0, filled: 0, summed_to: END_OF_SLOTS })
  }
  return {
    rebuildWinners: (seq) => rebuild(seq, Object.keys(COUNTED_TABLES) as CountedTable[]),
    rebuildSums: (seq) => rebuild(seq, ['by-time', 'sums']),
  }
}

/** The next winners by time, and their sums, from some winners. */
async function makeSums(db: Database, { epoch, command }: Fenced, seq: number, winners: string): Promise<void> {
  const [byTime, sums] = [nextOf('by-time', epoch), nextOf('sums', epoch)]
  const [counted] = await db.query(countWinners(winners))
  for (const slice of identitySlices(slicesFor(counted?.winners ?? 0, REBUILT_AT_ONCE)))
    await command('copy-by-time', copyByTime(winners, byTime, SLICE), { ...slice })
  for await (const range of slotRanges(db, byTime, REBUILT_AT_ONCE))
    await command('sum-slots', sumNextSlots(byTime, sums), { seq, ...range })
}

const noteFilled = (fenced: Fenced, seq: number, filled: Omit<Filled, 'form'>): Promise<void> =>
  fenced.note('note-filled', NOTE_FILLED, { seq, form: SUMS_FORM, ...filled })

/**
 * Carries out the next step of filling the winners by time, and then their sums, where a release before this one has left
 * winners alone. Nobody reads them before the last step, and publications in between keep what there is of them true: so
 * nobody has to wait, and it goes on wherever it was cut off. Returns whether there is more to do. To be called while
 * nothing else is published, with a number like a publication's.
 */
export async function fillSums(db: Database, fenced: Fenced, seq: number, atOnce = FILLED_AT_ONCE): Promise<boolean> {
  const [known] = await db.query(filledSums)
  // that of another release is made anew by a publication
  if (known !== undefined && (known.form !== SUMS_FORM || isWhole(known))) return false
  const next = await fillOne(db, fenced, seq, known ?? (await emptySums(db, atOnce)), atOnce)
  await noteFilled(fenced, seq, next)
  await fenced.stillOurs()
  return next.summed_to < END_OF_SLOTS
}

async function emptySums(db: Database, atOnce: number): Promise<Filled> {
  const [counted] = await db.query(countWinners('winners'))
  return { form: SUMS_FORM, slices: slicesFor(counted?.winners ?? 0, atOnce), filled: 0, summed_to: 0 }
}

async function fillOne(
  db: Database,
  fenced: Fenced,
  seq: number,
  { slices, filled, summed_to }: Filled,
  atOnce: number,
): Promise<Omit<Filled, 'form'>> {
  if (filled < slices) {
    await fenced.note('copy-by-time', copyByTimeFenced(SLICE), { ...identitySlice(filled, slices) })
    return { slices, filled: filled + 1, summed_to }
  }
  const range = await nextSlots(db, WINNERS_BY_TIME, summed_to, atOnce)
  await fenced.note('sum-slots', SUM_SLOTS, { seq, ...range })
  return { slices, filled, summed_to: range.to }
}
