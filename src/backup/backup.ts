import { backupPath } from './backup-folder.ts'
import type { BackupParts, BackupReport } from './backup-parts.ts'
import { restoreBackup } from './restore.ts'
import { saveBackup } from './save.ts'

export interface Backups {
  /**
   * Saves what only ClickHouse still has: archived records, and those that came by mutation; `all` saves everything
   * that is published. Every batch is held against its evidence on the way.
   */
  backup(name: string | undefined, all: boolean): Promise<BackupReport>
  /**
   * Brings back what the database lacks of a backup, verified; what is there already is left alone. May be repeated.
   */
  restore(name: string): Promise<BackupReport>
}

export interface BackupsOptions extends BackupParts {
  /** Where backups are kept. */
  folder: string
  /** Runs while nothing is shipped. */
  exclusive: <T>(run: () => Promise<T>) => Promise<T>
  /** Called after a restore: what readers see has changed. */
  onRestored: () => Promise<void>
}

export function createBackups({ folder, exclusive, onRestored, ...parts }: BackupsOptions): Backups {
  return {
    backup: (name = `backup-${new Date(parts.now()).toISOString().replaceAll(/[:.]/g, '-')}`, all) =>
      exclusive(async () => saveBackup(parts, backupPath(folder, name), all)),
    restore: (name) =>
      exclusive(async () => {
        const report = await restoreBackup(parts, backupPath(folder, name))
        await onRestored()
        return report
      }),
  }
}
