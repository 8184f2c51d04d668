import { Column, CreateDateColumn, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

@Entity({ schema: 'peer', name: 'orders' })
export class Order {
  @PrimaryGeneratedColumn('uuid') id: string;
  @Index() @Column('uuid') orgId: string;
  @Column() status: string;
  @Column({ unique: true }) trackingCode: string;
  @Column() street: string;
  @Column() postcode: string;
  @Column() city: string;
  @Column() country: string;
  @Column('double precision') lat: number;
  @Column('double precision') lon: number;
  @Column() contactName: string;
  @Column() contactPhone: string;
  @Column('jsonb') packages: object[];
  @CreateDateColumn({ type: 'timestamptz' }) createdAt: Date;
}

@Entity({ schema: 'peer', name: 'outbox' })
export class OutboxEvent {
  @PrimaryGeneratedColumn('uuid') id: string;
  @Column('uuid') orgId: string;
  @Column() subject: string;
  @Column('uuid') key: string;
  @Column('jsonb') payload: object;
  @CreateDateColumn({ type: 'timestamptz' }) createdAt: Date;
}

@Entity({ schema: 'peer', name: 'positions' })
export class Position {
  @PrimaryColumn('uuid') driverId: string;
  @PrimaryColumn('timestamptz') at: Date;
  @PrimaryColumn('integer') sequence: number;
  @Column('double precision') lat: number;
  @Column('double precision') lon: number;
  @Column('real', { nullable: true }) accuracyM: number | null;
}
