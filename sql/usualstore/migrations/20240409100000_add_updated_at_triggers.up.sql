-- Moves the upkeep of created_at and updated_at from the program into the database, where no statement can forget it.
-- clock_timestamp() instead of now(), so that a second change in one transaction shows as well.
CREATE FUNCTION keep_row_timestamps() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    NEW.created_at := OLD.created_at;
    NEW.updated_at := pg_catalog.clock_timestamp();
    RETURN NEW;
END;
$function$;

COMMENT ON FUNCTION keep_row_timestamps() IS
    'Before an update: puts the time into updated_at and takes back any change of created_at.';

CREATE TRIGGER users_keep_timestamps
    BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

CREATE TRIGGER widgets_keep_timestamps
    BEFORE UPDATE ON widgets
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

CREATE TRIGGER customers_keep_timestamps
    BEFORE UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

CREATE TRIGGER transactions_keep_timestamps
    BEFORE UPDATE ON transactions
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();

CREATE TRIGGER orders_keep_timestamps
    BEFORE UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION keep_row_timestamps();
