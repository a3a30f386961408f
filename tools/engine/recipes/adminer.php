<?php
// Adminer, with the server's name filled in where ADMINER_DEFAULT_SERVER gives one.

function adminer_object() {
    class PrefilledAdminer extends Adminer {
        function loginForm() {
            ob_start();
            $done = parent::loginForm();
            $server = htmlspecialchars(getenv('ADMINER_DEFAULT_SERVER') ?: 'db', ENT_QUOTES);
            echo str_replace('name="auth[server]" value=""', 'name="auth[server]" value="' . $server . '"', ob_get_clean());
            return $done;
        }
    }
    return new PrefilledAdminer;
}

include '/usr/share/adminer/adminer.php';
